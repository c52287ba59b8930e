import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HookHost, type HookReport } from '../../src/hook/host.ts';
import { planHooks } from '../../src/hook/plan.ts';
import type { HookOptions } from '../../src/profile/profile.ts';
import { Children } from '../../src/restore/children.ts';
import { monotonicNs } from '../../src/session/clock.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { Session } from '../../src/session/session.ts';
import type { EndedSpan, Span } from '../../src/stage/span.ts';
import { parseStage } from '../../src/stage/stage.ts';
import { findTargets } from '../../src/target/find.ts';
import { LocalHost } from '../../src/target/local-host.ts';
import type { Target } from '../../src/target/contract.ts';

export type Warning = SessionEvent & { type: 'warning' };

/** One hook, armed by the real host in a real session; stages are begun and ended by hand. */
export class HookRig implements AsyncDisposable {
  readonly session: Session;
  readonly events: SessionEvent[] = [];
  readonly children: Children;
  readonly target: Target | undefined;
  readonly #hooks: HookHost;
  readonly #folder: string;
  #spans = 0;

  private constructor(
    session: Session,
    folder: string,
    make: (rig: HookRig) => { hooks: HookHost; target: Target | undefined; children: Children },
  ) {
    this.session = session;
    this.#folder = folder;
    const { hooks, target, children } = make(this);
    this.#hooks = hooks;
    this.target = target;
    this.children = children;
  }

  /** @param pid of the server; without one the hook runs with the host alone. */
  static async arm(hook: string, options: HookOptions, pid?: number): Promise<HookRig> {
    const folder = mkdtempSync(join(tmpdir(), 'stagewatch-hook-'));
    const session = await Session.create(folder, 'test', (error) => {
      throw error;
    });
    const plan = await planHooks(new Map([[hook, options]]));
    const rig = new HookRig(session, folder, ({ events }) => {
      const children = new Children();
      const host = new LocalHost(children);
      const found = pid === undefined ? undefined : findTargets({ by: 'pid', pid }, host);
      const target = found?.state === 'found' ? found.targets[0] : undefined;
      const hooks = new HookHost({
        plan,
        host,
        ...(target ? { target } : {}),
        session,
        signal: new AbortController().signal,
        emit: (event) => void events.push(event),
        targetExited: () => {},
        limitCollect: (work) => work,
      });
      return { hooks, target, children };
    });
    await rig.#hooks.arm();
    return rig;
  }

  get warnings(): Warning[] {
    return this.events.filter((event): event is Warning => event.type === 'warning');
  }

  /** `unavailable`, `failed`: why the hook does not run. */
  get reason(): string | undefined {
    const event = this.events.find(
      (event) => event.type === 'hook' && (event.state === 'unavailable' || event.state === 'failed'),
    );
    return event && 'reason' in event ? String(event.reason) : undefined;
  }

  get metrics(): Record<string, unknown>[] {
    return readFileSync(join(this.session.folder, 'metrics.ndjson'), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  async start(label: string): Promise<Span> {
    const span: Span = {
      id: ++this.#spans,
      stage: parseStage(label),
      source: 'test',
      watched: true,
      history: false,
      startNs: monotonicNs(),
      startedAt: Date.now(),
      attributes: [],
    };
    this.#hooks.spanStarted(span);
    await this.#hooks.settled();
    return span;
  }

  async stop(span: Span): Promise<EndedSpan> {
    const endNs = monotonicNs();
    const ended: EndedSpan = {
      ...span,
      state: 'finished',
      endNs,
      durationMs: Number(endNs - span.startNs) / 1e6,
      timing: { state: 'trusted' },
    };
    this.#hooks.spanEnded(ended);
    await this.#hooks.settled();
    return ended;
  }

  async collect(...spans: readonly EndedSpan[]): Promise<HookReport[]> {
    await this.#hooks.collect(spans);
    return spans.flatMap(({ id }) => this.#hooks.takeReports(id));
  }

  /** A stage from start to end, and what the hook left of it. */
  async stage(label: string, work: () => Promise<unknown>): Promise<HookReport> {
    const span = await this.start(label);
    await work();
    const [report] = await this.collect(await this.stop(span));
    return report!;
  }

  /** An artifact's path. */
  path(report: HookReport, name: string): string {
    const artifact = report.artifacts.find(({ path }) => path.endsWith(`/${name}`));
    if (!artifact) {
      const told = [report.artifacts.map(({ path }) => path), this.reason, this.warnings];
      throw new Error(`no ${name}: ${JSON.stringify(told)}`);
    }
    return join(this.session.folder, artifact.path);
  }

  text(report: HookReport, name: string): string {
    return readFileSync(this.path(report, name), 'utf8');
  }

  json<Shape>(report: HookReport, name: string): Shape {
    return JSON.parse(this.text(report, name)) as Shape;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#hooks.dispose();
    await this.children[Symbol.asyncDispose]();
    await this.session[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
