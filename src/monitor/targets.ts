import { messageOf } from '../error.ts';
import type { Artifact } from '../hook/contract.ts';
import { HookHost } from '../hook/host.ts';
import type { PlannedHook } from '../hook/plan.ts';
import { monotonicNs } from '../session/clock.ts';
import type { SessionEvent } from '../session/events.ts';
import type { Session } from '../session/session.ts';
import type { EndedSpan, Span } from '../stage/span.ts';
import type { Host, Target } from '../target/contract.ts';
import type { TargetQuery } from '../target/find.ts';
import type { TargetPlace } from '../target/locate.ts';
import { TargetWatch } from '../target/watch.ts';
import type { MonitorOptions } from './options.ts';
import type { TargetReport } from './span-report.ts';

export interface TargetsOptions {
  readonly query: TargetQuery | TargetPlace;
  /** Whether one is needed even where every hook could do without. */
  readonly needed: boolean;
  /** All that are found, instead of exactly one. */
  readonly all: boolean;
  readonly concerns?: MonitorOptions['concerns'] | undefined;
  readonly plan: readonly PlannedHook[];
  readonly host: Host;
  /** Before the host starts its first program. */
  readonly loadHost: () => Promise<void>;
  readonly session: Pick<Session, 'folder' | 'held' | 'sample'>;
  readonly signal: AbortSignal;
  readonly emit: (event: SessionEvent, atNs?: bigint) => void;
  readonly limitCollect: <T>(work: Promise<T>, what: string) => Promise<T>;
}

/**
 * The servers that a session profiles, each with its armed hooks. A server that goes is looked for, and its hooks are
 * armed again when it is back; what was captured of the old process is still collected.
 */
export class Targets {
  readonly #options: TargetsOptions;
  #watch: TargetWatch | undefined;
  /** By the process: id alone would mix a server with its successor on the same port. */
  readonly #active = new Map<Target | undefined, HookHost>();
  /** Gone, but not all collected. */
  readonly #retired = new Set<HookHost>();
  readonly #open = new Map<number, Span>();
  readonly #seen: object[] = [];
  readonly #arming = new Set<Promise<void>>();
  readonly #required: boolean;
  #finished = false;

  constructor(options: TargetsOptions) {
    this.#options = options;
    this.#required = options.needed || options.plan.some(({ hook }) => hook.target === 'required');
  }

  /** For session.json: every process that was profiled. */
  get seen(): readonly object[] {
    return this.#seen;
  }

  /** Whether any hook is, or was, ready to capture. */
  get haveArmed(): boolean {
    return this.#all().some((host) => host.armedHooks.length > 0);
  }

  /** Resolves when what was found at first is armed. */
  async start(): Promise<void> {
    const query = await this.#query();
    if (query !== undefined && !this.#finished) {
      this.#watch = this.#watchFor(query);
      await this.#watch.start();
    }
    if (this.#active.size === 0 && this.#options.plan.some(({ hook }) => hook.target === 'optional'))
      this.#add(undefined);
    await Promise.all(this.#arming);
  }

  spanStarted(span: Span): void {
    this.#open.set(span.id, span);
    for (const host of this.#concerned(span)) host.spanStarted(span);
  }

  spanEnded(span: EndedSpan): void {
    this.#open.delete(span.id);
    for (const host of this.#concerned(span)) host.spanEnded(span);
  }

  /** Looks at once whether servers were restarted; resolves when what is found is armed. */
  async ready(): Promise<void> {
    this.#watch?.look();
    await Promise.all(this.#arming);
  }

  /** Resolves when every start and stop so far has been carried out, or has failed. */
  async settled(): Promise<void> {
    await Promise.all(this.#arming);
    await Promise.all([...this.#active.values()].map((host) => host.settled()));
  }

  /** Whether hooks that need a server had none in all of this span. */
  missingFor(reports: readonly TargetReport[]): boolean {
    return this.#required && !reports.some(({ pid }) => pid !== undefined);
  }

  /** No span will start any more. */
  async finish(): Promise<void> {
    this.#finished = true;
    await this.#watch?.[Symbol.asyncDispose]();
    await Promise.all(this.#arming);
    await Promise.all([...this.#active.values()].map((host) => host.finish()));
  }

  async collect(spans: readonly EndedSpan[]): Promise<Artifact[]> {
    const artifacts: Artifact[] = [];
    for (const host of this.#all()) {
      await host.settled();
      artifacts.push(...(await host.collect(spans)));
    }
    return artifacts;
  }

  /** What the hooks left for a span that has been collected; nothing of it is kept. */
  takeReports(span: EndedSpan): TargetReport[] {
    return this.#all()
      .map((host) => ({
        target: host.name,
        ...(host.target === undefined ? {} : { pid: host.target.pid }),
        hooks: host.takeReports(span.id),
      }))
      .filter(({ hooks }) => hooks.some(({ capture }) => capture !== undefined));
  }

  /** Ends the hooks of servers that are gone, once their spans are collected. */
  async releaseRetired(): Promise<void> {
    const done = [...this.#retired].filter((host) => !host.hasCaptures);
    for (const host of done) this.#retired.delete(host);
    await Promise.all(done.map((host) => host.dispose()));
  }

  async dispose(): Promise<void> {
    this.#finished = true;
    await this.#watch?.[Symbol.asyncDispose]();
    await Promise.all(this.#all().map((host) => host.dispose()));
  }

  /** Undefined when there is nothing to look for, or nobody can say what. */
  async #query(): Promise<TargetQuery | undefined> {
    const { plan, query, host, emit } = this.#options;
    if (plan.length === 0) return undefined;
    if ('by' in query) return query;
    try {
      const { locateTarget } = await import('../target/locate.ts');
      await this.#options.loadHost();
      return await locateTarget(query, host);
    } catch (error) {
      emit({ type: 'target', state: 'missing', message: messageOf(error) });
      return undefined;
    }
  }

  #watchFor(query: TargetQuery): TargetWatch {
    const { all, host, emit } = this.#options;
    return new TargetWatch({
      query,
      all,
      host,
      // Hooks that can do without a server take one that is there; nobody is told that there is none.
      once: !this.#required && query.by === 'name',
      found: (target) => this.#found(target),
      lost: (target) => this.#lost(target),
      trouble: (state, message) => {
        if (this.#required) emit({ type: 'target', state, message });
      },
    });
  }

  #all(): HookHost[] {
    return [...this.#retired, ...this.#active.values()];
  }

  #concerned(span: Span): HookHost[] {
    return [...this.#active].filter(([target]) => this.#concerns(span, target)).map(([, host]) => host);
  }

  #concerns({ stage }: Span, target: Target | undefined): boolean {
    return target === undefined || (this.#options.concerns?.(stage, target) ?? true);
  }

  #found(target: Target): void {
    if (this.#finished) return;
    this.#tell('found', target);
    const { pid, startTicks, id, program, port, commandLine } = target;
    const seen = { target: id, program, pid, startTicks, port, commandLine };
    this.#seen.push(seen);
    void this.#identify(target, seen);
    const alone = this.#active.get(undefined);
    if (alone) {
      // The host's own metrics go on with the server's.
      this.#active.delete(undefined);
      this.#retire(alone);
    }
    this.#add(target);
  }

  #lost(target: Target): void {
    const host = this.#active.get(target);
    if (!host) return;
    this.#tell('lost', target);
    this.#active.delete(target);
    this.#retire(host);
  }

  #retire(host: HookHost): void {
    this.#retired.add(host);
    void host.lost(monotonicNs());
  }

  #add(target: Target | undefined): void {
    const { plan, host, session, signal, emit, limitCollect } = this.#options;
    const hooks = new HookHost({
      plan,
      host,
      ...(target ? { target } : {}),
      session,
      signal,
      emit,
      limitCollect,
      targetExited: () => this.#watch?.check(),
    });
    this.#active.set(target, hooks);
    for (const span of this.#open.values()) if (this.#concerns(span, target)) hooks.spanStarted(span);
    const arming = this.#options
      .loadHost()
      .then(() => hooks.arm())
      .finally(() => this.#arming.delete(arming));
    this.#arming.add(arming);
  }

  /** Beside the arming, which does not wait for it. */
  async #identify(target: Target, seen: object): Promise<void> {
    const { identify } = await import('../target/identify.ts');
    const identity = await identify(target);
    Object.assign(seen, identity);
    this.#options.emit({
      type: 'target',
      state: 'identified',
      target: target.id,
      pid: target.pid,
      ...identity,
    });
  }

  #tell(state: 'found' | 'lost', target: Target): void {
    const { id, program, pid, startTicks, port, commandLine } = target;
    this.#options.emit({
      type: 'target',
      state,
      target: id,
      program,
      pid,
      startTicks,
      ...(port === undefined ? {} : { port }),
      commandLine,
    });
  }
}
