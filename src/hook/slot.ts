import { messageOf, StagewatchError } from '../error.ts';
import { monotonicNs, msBetween } from '../session/clock.ts';
import type { EndedSpan, Span } from '../stage/span.ts';
import type { ArmedHook, Availability, Hook, HookContext } from './contract.ts';
import { ARM_LIMIT_MS, EDGE_LIMIT_MS, within } from './limits.ts';

/** What one hook captured of one span. */
export type Capture =
  /** Capture was on from startedNs until endedNs (absent: it is still on, or its end was never acknowledged). */
  | { state: 'captured'; readonly startedNs: bigint; endedNs?: bigint }
  | { state: 'missed'; readonly reason: string };

export type SlotEvent =
  | { state: 'armed' | 'finished'; tookMs: number }
  | { state: 'started' | 'stopped'; span: number; delayMs: number }
  | { state: 'missed'; span: number; reason: string }
  | { state: 'unavailable'; reason: string; mend?: string; notInstalled?: true }
  | { state: 'failed'; reason: string }
  /** The target is gone, and the hook with it: no failure of its own. */
  | { state: 'target-exited'; reason: string };

type SlotState =
  | { readonly state: 'arming' }
  | { readonly state: 'armed'; readonly armed: ArmedHook }
  /** It takes no more spans. What it captured before is still collected, where it had been armed. */
  | { readonly state: 'left-out'; readonly reason: string; readonly armed?: ArmedHook };

type Edge =
  { readonly kind: 'start'; readonly span: Span } | { readonly kind: 'stop'; readonly span: EndedSpan };

/**
 * One hook on one target: its life cycle, and its starts and stops one after the other. A hook that fails or hangs
 * is left out; nothing here throws.
 */
export class HookSlot {
  readonly hook: Hook;
  readonly #ctx: HookContext;
  readonly #onEvent: (event: SlotEvent) => void;
  readonly #captures = new Map<number, Capture>();
  /** Spans that are open while the hook is not armed yet. */
  readonly #waiting = new Map<number, Span>();
  readonly #edges: Edge[] = [];
  #state: SlotState = { state: 'arming' };
  #working: Promise<void> | undefined;

  constructor(hook: Hook, ctx: HookContext, onEvent: (event: SlotEvent) => void) {
    this.hook = hook;
    this.#ctx = ctx;
    this.#onEvent = onEvent;
  }

  get state(): SlotState['state'] {
    return this.#state.state;
  }

  /** The hook's capturing half, also after it failed, so that what it has is collected. */
  get armed(): ArmedHook | undefined {
    return this.#state.state === 'arming' ? undefined : this.#state.armed;
  }

  get context(): HookContext {
    return this.#ctx;
  }

  get hasCaptures(): boolean {
    return this.#captures.size > 0;
  }

  captureOf(span: number): Capture | undefined {
    return this.#captures.get(span);
  }

  /** What a journal says of a span, in a session that is collected later. */
  recall(span: number, capture: Capture): void {
    this.#captures.set(span, capture);
  }

  /** The capture of whatever is open ended at that moment, without a stop. */
  cut(atNs: bigint): void {
    for (const capture of this.#captures.values()) if (capture.state === 'captured') capture.endedNs ??= atNs;
  }

  /** Once a span's report is written, nothing of it is kept. */
  forget(span: number): void {
    this.#captures.delete(span);
  }

  async arm(): Promise<void> {
    const beganNs = monotonicNs();
    try {
      const availability = await within<Availability>(
        this.hook.probe(this.#ctx),
        ARM_LIMIT_MS,
        `hook ${this.hook.name}: probe`,
      );
      if (availability.state === 'unavailable') {
        this.#leaveOut(availability.reason, availability);
        return;
      }
      const arming = this.hook.arm(this.#ctx);
      // An arm that ends after its time must not leave its processes behind.
      const armed = await within(arming, ARM_LIMIT_MS, `hook ${this.hook.name}: arm`).catch(
        (error: unknown) => {
          arming.then(async (late) => late[Symbol.asyncDispose]()).catch(() => 'already failed');
          throw error;
        },
      );
      this.#state = { state: 'armed', armed };
      this.#onEvent({ state: 'armed', tookMs: msBetween(beganNs, monotonicNs()) });
      void armed.failed?.then((error) => this.fail(error));
      for (const span of this.#waiting.values()) this.#push({ kind: 'start', span });
      this.#waiting.clear();
    } catch (error) {
      this.fail(error);
    }
  }

  spanStarted(span: Span): void {
    if (this.#state.state === 'armed') this.#push({ kind: 'start', span });
    else if (this.#state.state === 'arming') this.#waiting.set(span.id, span);
    else this.#miss(span, this.#state.reason);
  }

  spanEnded(span: EndedSpan): void {
    if (this.#waiting.delete(span.id)) {
      this.#miss(span, 'the hook was not armed yet');
      return;
    }
    const queued = this.#edges.findIndex((edge) => edge.kind === 'start' && edge.span.id === span.id);
    if (queued >= 0) {
      this.#edges.splice(queued, 1);
      this.#miss(span, 'the span ended before the capture could begin');
      return;
    }
    // A start under way, or done: both come before this in the queue.
    if (this.#captures.get(span.id)?.state !== 'missed') this.#push({ kind: 'stop', span });
  }

  /** Resolves when every start and stop so far has been carried out. */
  async settled(): Promise<void> {
    while (this.#working) await this.#working;
  }

  /** Ends the capture for good. */
  async finish(): Promise<void> {
    await this.settled();
    const { armed } = this;
    if (!armed?.finish) return;
    const beganNs = monotonicNs();
    try {
      await within(armed.finish(), ARM_LIMIT_MS, `hook ${this.hook.name}: finish`);
      if (this.#state.state === 'armed')
        this.#onEvent({ state: 'finished', tookMs: msBetween(beganNs, monotonicNs()) });
    } catch (error) {
      this.fail(error);
    }
  }

  async dispose(): Promise<void> {
    const { armed } = this;
    this.#state = { state: 'left-out', reason: 'the hook has been ended' };
    if (!armed) return;
    await within(
      Promise.resolve(armed[Symbol.asyncDispose]()),
      ARM_LIMIT_MS,
      `hook ${this.hook.name}: dispose`,
    ).catch((error: unknown) => this.#onEvent({ state: 'failed', reason: messageOf(error) }));
  }

  /** Leaves the hook out from now on. Told once. */
  fail(error: unknown): void {
    if (this.#state.state === 'left-out') return;
    const reason = messageOf(error);
    const targetExited = error instanceof StagewatchError && error.code === 'target-exited';
    this.#leaveOut(reason, { state: targetExited ? 'target-exited' : 'failed', reason });
  }

  /** What it needs does not run: it takes no spans, and there is nothing to tell beside that. */
  leaveOut(reason: string): void {
    if (this.#state.state !== 'left-out') this.#leaveOut(reason);
  }

  #leaveOut(reason: string, event?: SlotEvent): void {
    const { armed } = this;
    this.#state = { state: 'left-out', reason, ...(armed ? { armed } : {}) };
    this.cut(monotonicNs());
    if (event) this.#onEvent(event);
    for (const span of this.#waiting.values()) this.#miss(span, reason);
    this.#waiting.clear();
  }

  #push(edge: Edge): void {
    this.#edges.push(edge);
    // Begins at once, without an await, when nothing is under way: this is the path from marker to capture.
    this.#working ??= this.#work();
  }

  async #work(): Promise<void> {
    for (let edge = this.#edges.shift(); edge; edge = this.#edges.shift()) await this.#carryOut(edge);
    this.#working = undefined;
  }

  async #carryOut(edge: Edge): Promise<void> {
    const { span } = edge;
    if (this.#state.state !== 'armed') {
      if (edge.kind === 'start') this.#miss(span, this.#state.state === 'left-out' ? this.#state.reason : '');
      return;
    }
    const { armed } = this.#state;
    try {
      if (edge.kind === 'start') {
        await within(armed.start(span), EDGE_LIMIT_MS, `hook ${this.hook.name}: start`);
        const startedNs = monotonicNs();
        this.#captures.set(span.id, { state: 'captured', startedNs });
        this.#onEvent({ state: 'started', span: span.id, delayMs: msBetween(span.startNs, startedNs) });
      } else {
        await within(armed.stop(edge.span), EDGE_LIMIT_MS, `hook ${this.hook.name}: stop`);
        const endedNs = monotonicNs();
        const capture = this.#captures.get(span.id);
        if (capture?.state === 'captured') capture.endedNs = endedNs;
        this.#onEvent({ state: 'stopped', span: span.id, delayMs: msBetween(edge.span.endNs, endedNs) });
      }
    } catch (error) {
      if (edge.kind === 'start') this.#miss(span, messageOf(error));
      this.fail(error);
    }
  }

  #miss(span: Span, reason: string): void {
    this.#captures.set(span.id, { state: 'missed', reason });
    this.#onEvent({ state: 'missed', span: span.id, reason });
  }
}
