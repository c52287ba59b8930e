import { join } from 'node:path';
import { messageOf } from '../error.ts';
import { SessionArtifactDir } from '../session/artifact-dir.ts';
import type { SessionEvent } from '../session/events.ts';
import { safeName, spanFolder, targetFolder } from '../session/layout.ts';
import type { Session } from '../session/session.ts';
import type { EndedSpan, Span } from '../stage/span.ts';
import { redactText } from '../target/redact.ts';
import type { Host, Target } from '../target/contract.ts';
import type { Artifact, ArtifactDirs, Artifacts, Hook, HookContext, HookWarning } from './contract.ts';
import type { PlannedHook } from './plan.ts';
import { HookSlot, type Capture, type SlotEvent } from './slot.ts';

/** What a hook left for one span: for span.json. */
export interface HookReport {
  readonly hook: string;
  readonly capture: Capture | undefined;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly artifacts: readonly Artifact[];
}

export interface HookHostOptions {
  readonly plan: readonly PlannedHook[];
  readonly host: Host;
  /** Without one, only hooks that do without run. */
  readonly target?: Target;
  readonly session: Pick<Session, 'folder' | 'held' | 'sample'>;
  readonly signal: AbortSignal;
  readonly emit: (event: SessionEvent, atNs?: bigint) => void;
  /** A hook saw the target end; there may be more than one. */
  readonly targetExited: () => void;
  /** Bounds the collecting of one hook; see COLLECT_LIMIT_MS. */
  readonly limitCollect: <T>(work: Promise<T>, what: string) => Promise<T>;
}

/** All hooks of a session on one target: armed side by side, started and stopped by its spans, collected in order. */
export class HookHost {
  readonly target: Target | undefined;
  /** The folder's name, and what events are told under. */
  readonly name: string;
  readonly #options: HookHostOptions;
  readonly #slots: readonly HookSlot[];
  readonly #facts = new Map<number, Map<string, Record<string, unknown>>>();
  readonly #artifacts = new Map<number, Artifact[]>();

  constructor(options: HookHostOptions) {
    this.#options = options;
    this.target = options.target;
    this.name = options.target?.id ?? options.host.name;
    this.#slots = options.plan
      .filter(({ hook }) => options.target !== undefined || hook.target === 'optional')
      .map((planned) => this.#slotFor(planned));
  }

  /** Never throws: a hook that cannot be armed is left out and told. */
  async arm(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.arm()));
    for (const slot of this.#slots)
      for (const need of slot.hook.needs ?? [])
        if (this.#slotOf(need)?.state === 'left-out') slot.leaveOut(`${need} does not run`);
  }

  get armedHooks(): string[] {
    return this.#slots.filter((slot) => slot.state === 'armed').map((slot) => slot.hook.name);
  }

  /** Whether something of a span is still to be collected. */
  get hasCaptures(): boolean {
    return this.#slots.some((slot) => slot.hasCaptures);
  }

  spanStarted(span: Span): void {
    for (const slot of this.#slots) slot.spanStarted(span);
  }

  spanEnded(span: EndedSpan): void {
    for (const slot of this.#slots) slot.spanEnded(span);
  }

  async settled(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.settled()));
  }

  /** The target is gone: captures ended with it. */
  async lost(atNs: bigint): Promise<void> {
    for (const slot of this.#slots) slot.cut(atNs);
    await this.finish();
  }

  /** No span will start any more: what was captured becomes whole on disk. */
  async finish(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.finish()));
  }

  /** One hook after the other, needed ones first. A hook whose collecting fails is told; the others go on. */
  async collect(spans: readonly EndedSpan[]): Promise<Artifact[]> {
    const all: Artifact[] = [];
    for (const slot of this.#slots) {
      const { armed } = slot;
      const sources = [slot, ...(slot.hook.needs ?? []).map((need) => this.#slotOf(need))];
      const own = spans.filter((span) =>
        sources.every((source) => source?.captureOf(span.id)?.state === 'captured'),
      );
      if (!armed || own.length === 0) continue;
      all.push(
        ...(await this.#collectOne(slot.hook, () =>
          armed.collect(own, this.dirsOf(slot.hook), this.artifactsSoFar),
        )),
      );
    }
    return all;
  }

  /**
   * From the session folder alone, for a session that was cut short.
   * @param captureOf what the journal says that a hook captured of a span.
   */
  async recover(
    spans: readonly EndedSpan[],
    captureOf: (hook: string, span: EndedSpan) => Capture | undefined,
  ): Promise<Artifact[]> {
    const all: Artifact[] = [];
    for (const slot of this.#slots) {
      const { hook, context } = slot;
      for (const span of spans) {
        const capture = captureOf(hook.name, span);
        if (capture) slot.recall(span.id, capture);
      }
      if (!hook.recover) continue;
      all.push(
        ...(await this.#collectOne(hook, async () =>
          hook.recover!(context, spans, this.dirsOf(hook), this.artifactsSoFar),
        )),
      );
    }
    return all;
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.dispose()));
  }

  /** What each hook left for a span; after this, nothing of the span is kept. */
  takeReports(span: number): HookReport[] {
    const facts = this.#facts.get(span);
    const artifacts = this.#artifacts.get(span) ?? [];
    const reports = this.#slots.map((slot) => ({
      hook: slot.hook.name,
      capture: slot.captureOf(span),
      facts: facts?.get(slot.hook.name) ?? {},
      artifacts: artifacts.filter((artifact) => artifact.hook === slot.hook.name),
    }));
    this.#facts.delete(span);
    this.#artifacts.delete(span);
    for (const slot of this.#slots) slot.forget(span);
    return reports;
  }

  /** Where a hook writes. */
  dirsOf(hook: Hook): ArtifactDirs {
    const { session } = this.#options;
    return {
      of: (span) =>
        new SessionArtifactDir(
          session.held,
          join(spanFolder(session.folder, span.id, span.stage), safeName(this.name)),
          { hook: hook.name, target: this.name, span: span.id },
        ),
    };
  }

  get artifactsSoFar(): Artifacts {
    return {
      of: (hook, span) => (this.#artifacts.get(span.id) ?? []).filter((artifact) => artifact.hook === hook),
    };
  }

  async #collectOne(hook: Hook, collect: () => Promise<Artifact[]>): Promise<Artifact[]> {
    try {
      const made = await this.#options.limitCollect(collect(), `hook ${hook.name}: collect`);
      for (const artifact of made) {
        if (artifact.span === undefined) continue;
        const known = this.#artifacts.get(artifact.span);
        if (known) known.push(artifact);
        else this.#artifacts.set(artifact.span, [artifact]);
      }
      return made;
    } catch (error) {
      this.#warn(hook, {
        code: 'collect-failed',
        message: `${hook.name}: ${messageOf(error)}`,
        fails: true,
      });
      return [];
    }
  }

  #slotOf(hook: string): HookSlot | undefined {
    return this.#slots.find((slot) => slot.hook.name === hook);
  }

  #slotFor({ hook, options }: PlannedHook): HookSlot {
    const { session, target, host, signal } = this.#options;
    const ctx: HookContext = {
      options,
      target,
      host: target ?? host,
      dir: new SessionArtifactDir(session.held, targetFolder(session.folder, this.name), {
        hook: hook.name,
        target: this.name,
      }),
      out: this.dirsOf(hook),
      samples: {
        append: (sample) => session.sample({ hook: hook.name, target: this.name, ...sample }),
      },
      warn: (warning) => this.#warn(hook, warning),
      facts: (span, facts) => this.#remember(hook, span.id, facts),
      signal,
    };
    return new HookSlot(hook, ctx, (event) => this.#tell(hook, event));
  }

  #remember(hook: Hook, span: number, facts: Readonly<Record<string, unknown>>): void {
    let ofSpan = this.#facts.get(span);
    if (!ofSpan) this.#facts.set(span, (ofSpan = new Map()));
    ofSpan.set(hook.name, { ...ofSpan.get(hook.name), ...facts });
  }

  #warn(hook: Hook, { code, message, span, fails }: HookWarning): void {
    this.#options.emit({
      type: 'warning',
      code,
      message: redactText(message),
      hook: hook.name,
      target: this.name,
      ...(span ? { span: span.id } : {}),
      ...(fails ? { fails } : {}),
    });
  }

  #tell(hook: Hook, event: SlotEvent): void {
    if (event.state === 'target-exited') this.#options.targetExited();
    else {
      // A reason may name what could not be started, or what a server said.
      const told = 'reason' in event ? { ...event, reason: redactText(event.reason) } : event;
      this.#options.emit({ type: 'hook', hook: hook.name, target: this.name, ...told });
    }
  }
}
