import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../error.ts';
import { COLLECT_LIMIT_MS, withinIdle } from '../hook/limits.ts';
import { thisMachine } from '../restore/machine.ts';
import { readStat } from '../restore/stat.ts';
import { monotonicNs } from '../session/clock.ts';
import type { SessionEvent } from '../session/events.ts';
import { processEvents } from '../session/process-events.ts';
import { SESSION_FILES } from '../session/layout.ts';
import { Session } from '../session/session.ts';
import type { Source, SourceEnd } from '../source/contract.ts';
import type { MarkerBatch } from '../stage/marker.ts';
import { stageMatcher } from '../stage/pattern.ts';
import { stageLabel } from '../stage/stage.ts';
import type { EndedSpan } from '../stage/span.ts';
import { StageTable } from '../stage/table.ts';
import { SpanTracker, type SpanEvent } from '../stage/tracker.ts';
import { readInventory } from '../target/inventory.ts';
import { LocalHost } from '../target/local-host.ts';
import { Backlog } from './backlog.ts';
import { HookDelays } from './delays.ts';
import { Failures } from './failures.ts';
import { LateChildren } from './late-children.ts';
import type { MonitorOptions, MonitorSummary, OnEvent } from './options.ts';
import { endEvent, lateWarning, orphanEvent, sourceEndEvent, startEvent } from './span-events.ts';
import { emptyHooks, SpanReports } from './span-reports.ts';
import { Targets } from './targets.ts';

/** After a signal the benchmark may still print its last markers, ms. */
const LAST_WORDS_MS = 300;
/** Small files: the disk takes several at once. */
const REPORTS_AT_ONCE = 32;
/** How often spans that are open too long are looked for, ms. */
const EXPIRY_TICK_MS = 1_000;

/**
 * Follows the sources, profiles the watched stages, and leaves a session folder. Resolves when all sources have
 * ended, or `stop` was aborted, and everything is collected; nothing that it started is left then.
 * @throws {UsageError} when a source cannot be followed, or the session folder cannot be made. After that it never throws for what a hook, a source
 *   or the target does: that is in the events and in the summary's failures.
 */
export async function monitor(options: MonitorOptions, onEvent: OnEvent): Promise<MonitorSummary> {
  for (const source of options.sources) source.check?.();
  const failures = new Failures(options.hooksAsked);
  await using session = await Session.create(options.outputDir, options.label, (error) => {
    failures.add('journal', messageOf(error));
    onEvent(
      { type: 'warning', code: 'journal-not-written', message: messageOf(error), fails: true },
      monotonicNs(),
    );
  });
  return await new Monitor(options, session, failures, onEvent).run();
}

class Monitor {
  readonly #options: MonitorOptions;
  readonly #session: Session;
  readonly #failures: Failures;
  readonly #onEvent: OnEvent;
  readonly #children: LateChildren;
  readonly #targets: Targets;
  readonly #tracker: SpanTracker;
  readonly #reports: SpanReports;
  readonly #backlog: Backlog;
  readonly #table = new StageTable();
  readonly #delays = new HookDelays();
  readonly #sourceEnds: Record<string, SourceEnd> = {};
  #inventory: Awaited<ReturnType<typeof readInventory>> | undefined;
  #spans = 0;

  constructor(options: MonitorOptions, session: Session, failures: Failures, onEvent: OnEvent) {
    this.#options = options;
    this.#session = session;
    this.#failures = failures;
    this.#onEvent = onEvent;
    this.#children = new LateChildren(processEvents((event) => this.#emit(event)));
    this.#targets = new Targets({
      query: options.target,
      all: options.allTargets,
      concerns: options.concerns,
      needed: options.needsTarget && options.hooks.length > 0,
      plan: options.hooks,
      host: new LocalHost(this.#children),
      loadHost: () => this.#children.load(),
      session,
      signal: options.hurry,
      emit: this.#emit,
      limitCollect: this.#limitCollect,
    });
    this.#reports = new SpanReports(session.held);
    const watches = options.watch.length > 0 ? stageMatcher(options.watch) : () => true;
    const skips = options.skip.length > 0 ? stageMatcher(options.skip) : () => false;
    this.#tracker = new SpanTracker({
      isWatched: (stage) => watches(stage) && !skips(stage),
      maxSpanMs: options.maxSpanMs,
    });
    this.#backlog = new Backlog({
      collect: (spans) => this.#collect(spans),
      pause: () => this.#children.pauseBackground(),
      resume: () => this.#children.resumeBackground(),
    });
  }

  async run(): Promise<MonitorSummary> {
    const { stop, hurry, sources, armFirst } = this.#options;
    await this.#writeInfo({ ...this.#options.about, state: 'running' });
    this.#emit({
      type: 'session',
      state: 'started',
      folder: this.#session.folder,
      pid: process.pid,
      startTicks: readStat(process.pid)?.startTicks ?? 0,
      ...thisMachine(),
      about: this.#options.about,
    });
    const stopped = aborted(stop);
    const expiry = setInterval(() => this.#take(this.#tracker.expire(monotonicNs())), EXPIRY_TICK_MS);
    try {
      const armed = this.#targets.start();
      if (armFirst) await Promise.race([armed, stopped]);
      if (!stop.aborted) await this.#follow(sources, stopped);
      for (const source of sources) this.#closeSource(source.id);
      await Promise.race([this.#finish(), aborted(hurry)]);
    } finally {
      clearInterval(expiry);
      this.#backlog.close();
      await Promise.all(sources.map((source) => source[Symbol.asyncDispose]()));
      await this.#targets.dispose();
      await this.#children[Symbol.asyncDispose]();
    }
    return await this.#summarise();
  }

  async #follow(sources: readonly Source[], stopped: Promise<void>): Promise<void> {
    const ends = sources.map(async (source) => {
      await source.start({
        batch: (batch) => this.#takeBatch(source.id, batch),
        notice: (notice) => this.#emit({ type: 'notice', source: source.id, ...notice }),
        event: (event) => this.#emit(event),
        saved: () => this.#session.flush(),
        ready: () => this.#targets.ready(),
        settled: () => this.#targets.settled(),
      });
      this.#emit({ type: 'source', source: source.id, state: 'reading' });
      const end = await source.ended;
      this.#sourceEnds[source.id] = end;
      this.#emit(sourceEndEvent(source.id, end));
      this.#closeSource(source.id);
    });
    const allEnded = Promise.all(ends);
    await Promise.race([allEnded, stopped]);
    if (!this.#options.stop.aborted) return;
    await Promise.race([allEnded, sleep(LAST_WORDS_MS), aborted(this.#options.hurry)]);
    await Promise.all(sources.map((source) => source.stop()));
    await allEnded;
  }

  async #finish(): Promise<void> {
    await this.#targets.finish();
    // It starts programs, so not before all spans are over; and it takes a moment, so only where it explains something.
    const captured = this.#reports.missing > 0 && this.#targets.haveArmed;
    const inventory = captured ? readInventory() : undefined;
    await this.#backlog.drain();
    this.#inventory = await inventory;
  }

  #takeBatch(source: string, batch: MarkerBatch): void {
    const events = this.#tracker.accept(source, batch, Date.now());
    // Began and ended in one read: it is over, there is nothing left to capture.
    let endedAtOnce: Set<number> | undefined;
    if (events.length > 1)
      for (const event of events)
        if (event.state === 'ended' && event.span.startNs === batch.atNs)
          (endedAtOnce ??= new Set()).add(event.span.id);
    this.#take(events, endedAtOnce);
  }

  #take(events: readonly SpanEvent[], endedAtOnce?: ReadonlySet<number>): void {
    for (const event of events) {
      // Hooks first: this is the path from marker to capture.
      if (event.state !== 'orphan-end' && event.span.watched && !endedAtOnce?.has(event.span.id))
        this.#profile(event);
      this.#table.add(event);
      if (event.state === 'started') {
        this.#spans++;
        this.#emit(startEvent(event.span), event.span.startNs);
      } else if (event.state === 'ended') {
        const { span } = event;
        this.#emit(endEvent(span), span.endNs);
        if (span.timing.state === 'late' && span.watched) this.#emit(lateWarning(span));
      } else this.#emit(orphanEvent(event), event.atNs);
    }
  }

  #profile(event: SpanEvent & { state: 'started' | 'ended' }): void {
    if (event.state === 'started') {
      this.#targets.spanStarted(event.span);
      this.#backlog.opened();
    } else {
      this.#targets.spanEnded(event.span);
      this.#backlog.closed(event.span);
    }
  }

  #closeSource(source: string): void {
    this.#take(this.#tracker.finish(source, monotonicNs()));
  }

  async #collect(spans: readonly EndedSpan[]): Promise<void> {
    this.#emit({ type: 'collecting', spans: spans.length });
    try {
      const artifacts = await this.#targets.collect(spans);
      for (let i = 0; i < spans.length; i += REPORTS_AT_ONCE)
        await Promise.all(spans.slice(i, i + REPORTS_AT_ONCE).map((span) => this.#report(span)));
      await this.#targets.releaseRetired();
      this.#emit({ type: 'collected', spans: spans.map((span) => span.id), artifacts });
    } catch (error) {
      this.#emit({ type: 'warning', code: 'collect-failed', message: messageOf(error), fails: true });
    }
  }

  async #report(span: EndedSpan): Promise<void> {
    const targets = this.#targets.takeReports(span);
    // Where nobody asked for hooks and there never was a server, nobody misses one.
    const missed = this.#options.hooksAsked || this.#targets.seen.length > 0;
    const lone =
      missed && this.#targets.missingFor(targets)
        ? [{ hook: undefined, target: undefined, reason: 'no server was there' }]
        : [];
    for (const { hook, target, reason } of [...emptyHooks(span, targets), ...lone])
      this.#emit({
        type: 'warning',
        code: 'nothing-captured',
        span: span.id,
        message: `${stageLabel(span.stage)}: ${hook === undefined ? 'nothing was captured' : `${hook} captured nothing`}: ${reason}`,
        ...(hook === undefined ? {} : { hook, target }),
        fails: true,
      });
    await this.#reports.write(span, targets);
  }

  /** A hook's own program at work, or a watched span that holds it up, is no reason to give up on it. */
  #limitCollect = <T>(work: Promise<T>, what: string): Promise<T> =>
    withinIdle(work, () => this.#backlog.held || this.#children.backgroundCount > 0, COLLECT_LIMIT_MS, what);

  async #summarise(): Promise<MonitorSummary> {
    if (!(await this.#session.held.isInPlace()))
      this.#emit({
        type: 'warning',
        code: 'session-moved',
        message: `${this.#session.folder} was moved or removed while it was written`,
        fails: true,
      });
    const summary: MonitorSummary = {
      folder: this.#session.folder,
      stages: this.#table.rows(),
      spans: this.#spans,
      orphanEnds: this.#table.orphanEnds,
      startDelays: this.#delays.summaries('started'),
      stopDelays: this.#delays.summaries('stopped'),
      sources: this.#sourceEnds,
      failures: this.#failures.all(),
      uncollected: this.#reports.missing,
    };
    await this.#writeInfo({
      ...this.#options.about,
      state: summary.uncollected > 0 ? 'not-collected' : 'complete',
      endedAt: new Date().toISOString(),
      targets: this.#targets.seen,
      ...(this.#inventory ? { host: this.#inventory } : {}),
      ...summary,
      folder: undefined,
    });
    this.#emit({ type: 'session', state: 'ended', spans: summary.spans, failures: summary.failures.length });
    await this.#session.flush();
    return { ...summary, failures: this.#failures.all() };
  }

  /** A disk that is full must not end the pass-through. */
  async #writeInfo(info: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#session.writeInfo(info).catch((error: unknown) => {
      const message = `${SESSION_FILES.session}: ${messageOf(error)}`;
      this.#emit({ type: 'warning', code: 'session-not-written', message, fails: true });
    });
  }

  #emit = (event: SessionEvent, atNs: bigint = monotonicNs()): void => {
    this.#session.record(event, atNs);
    this.#failures.see(event);
    this.#reports.see(event);
    this.#delays.see(event);
    this.#onEvent(event, atNs);
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
