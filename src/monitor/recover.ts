import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, UsageError } from '../error.ts';
import type { Artifact } from '../hook/contract.ts';
import { HookHost } from '../hook/host.ts';
import { planHooks, type PlannedHook } from '../hook/plan.ts';
import type { Capture } from '../hook/slot.ts';
import type { HookOptions } from '../profile/profile.ts';
import { Children } from '../restore/children.ts';
import { isStillRunning } from '../restore/end-process.ts';
import { monotonicNs } from '../session/clock.ts';
import type { JournalLine, SessionEvent } from '../session/events.ts';
import type { HeldFolder } from '../session/held-folder.ts';
import { SESSION_FILES, spanFolder } from '../session/layout.ts';
import { lastSignOfLife, readSession, spansOf, type ReadSession } from '../session/read.ts';
import { Session } from '../session/session.ts';
import { isSessionStarted, writerOf, type SessionStarted } from '../session/writer.ts';
import { LocalHost } from '../target/local-host.ts';
import { GoneTarget } from '../target/gone-target.ts';
import type { EndedSpan } from '../stage/span.ts';
import { Failures } from './failures.ts';
import type { Failure, OnEvent } from './options.ts';
import { writeSpanReport } from './span-report.ts';

/** The guard gives each signal 2 s, and there are three. */
const ENDING_MS = 7_000;

export interface RecoverSummary {
  readonly folder: string;
  /** Spans whose artifacts were made now. */
  readonly spans: number;
  readonly artifacts: readonly Artifact[];
  readonly failures: readonly Failure[];
}

/**
 * Makes the artifacts of a session that was cut short, from its folder alone: every watched span without a report.
 * @throws {UsageError} not-a-session; session-running, while its stagewatch is alive.
 */
export async function recoverSession(
  folder: string,
  stop: AbortSignal,
  onEvent: OnEvent,
): Promise<RecoverSummary> {
  const read = await readSession(folder);
  const started = read.events.find(isSessionStarted);
  if (started) refuseRunning(folder, started);

  await whatItStartedHasEnded(read);
  const failures = new Failures(true);
  await using session = await Session.reopen(folder, (error) => failures.add('journal', messageOf(error)));
  const emit = (event: SessionEvent, atNs = monotonicNs()): void => {
    session.record(event, atNs);
    failures.see(event);
    onEvent(event, atNs);
  };
  await using children = new Children();
  const plan = await planOf(read);
  const spans = spansOf(read, await lastSignOfLife(read)).filter(
    (span) => !existsSync(join(spanFolder(folder, span.id, span.stage), SESSION_FILES.span)),
  );
  const host = new LocalHost(children);
  const hosts = targetsOf(read).map((found) => {
    const hooks = new HookHost({
      plan,
      host,
      ...(found ? { target: new GoneTarget(host, found) } : {}),
      session,
      signal: stop,
      emit,
      targetExited: () => {},
      limitCollect: (work) => work,
    });
    // A server that restarted has a process, and so a host, for each part of the session.
    const own = found ? spans.filter((span) => sawSpan(read, found, span)) : spans;
    return { hooks, own, captures: capturesOf(read, hooks.name) };
  });

  emit({ type: 'collecting', spans: spans.length });
  const artifacts: Artifact[] = [];
  const ended = new Promise<'stopped'>((resolve) => stop.addEventListener('abort', () => resolve('stopped')));
  for (const { hooks, own, captures } of hosts) {
    const made = await Promise.race([
      hooks.recover(own, (hook, span) => captures.get(`${hook} ${span.id}`)),
      ended,
    ]);
    if (made === 'stopped') return { folder, spans: 0, artifacts: [], failures: failures.all() };
    artifacts.push(...made);
  }
  for (const span of spans)
    await report(
      session.held,
      span,
      hosts.filter(({ own }) => own.includes(span)).map(({ hooks }) => hooks),
    );
  emit({ type: 'collected', spans: spans.map((span) => span.id), artifacts });
  await session.writeInfo({
    ...read.info,
    ...aboutOf(read),
    state: 'recovered',
    recoveredAt: new Date().toISOString(),
  });
  if (!read.events.some((event) => event.type === 'session' && event.state === 'ended'))
    emit({
      type: 'session',
      state: 'ended',
      spans: read.events.filter((event) => event.type === 'span-start').length,
      failures: failures.all().length,
      recovered: true,
    });
  return { folder, spans: spans.length, artifacts, failures: failures.all() };
}

/** The guard ends them, perf in such a way that its file is whole: that takes a moment. */
async function whatItStartedHasEnded(read: ReadSession): Promise<void> {
  const started = read.events.filter((event) => event.type === 'process' && event.state === 'started');
  const deadline = performance.now() + ENDING_MS;
  for (const identity of started)
    while (isStillRunning(identity) && performance.now() < deadline) await sleep(50);
}

function refuseRunning(folder: string, started: SessionStarted): void {
  const { pid } = started;
  if (pid !== process.pid && writerOf(started) === 'running')
    throw new UsageError(
      'session-running',
      `${folder} is still being written by stagewatch with PID ${pid}: end it first`,
    );
}

async function report(session: HeldFolder, span: EndedSpan, hosts: readonly HookHost[]): Promise<void> {
  const targets = hosts.map((hooks) => ({
    target: hooks.name,
    ...(hooks.target ? { pid: hooks.target.pid } : {}),
    hooks: hooks.takeReports(span.id),
  }));
  await writeSpanReport(session, span, targets, [
    { code: 'recovered', message: 'the session was cut short; this was made afterwards' },
  ]);
}

function aboutOf(read: ReadSession): Readonly<Record<string, unknown>> {
  return read.events.find(isSessionStarted)?.about ?? {};
}

/** The hooks that ran, with their options, as the journal has them. */
async function planOf(read: ReadSession): Promise<PlannedHook[]> {
  const hooks = (aboutOf(read)['hooks'] ?? read.info['hooks'] ?? []) as {
    from: string;
    options: HookOptions;
  }[];
  return await planHooks(new Map(hooks.map(({ from, options }) => [from, options])));
}

type Found = JournalLine & { type: 'target'; state: 'found' };

/** Every server process that was profiled; undefined stands for the host alone. */
function targetsOf(read: ReadSession): (Found | undefined)[] {
  const found = read.events.filter(
    (event): event is Found => event.type === 'target' && event.state === 'found',
  );
  return found.length > 0 ? found : [undefined];
}

/** Whether a process was there in some part of a span. */
function sawSpan(read: ReadSession, found: Found, span: EndedSpan): boolean {
  const lost = read.events.find(
    (event) =>
      event.type === 'target' &&
      event.state === 'lost' &&
      event.pid === found.pid &&
      event.startTicks === found.startTicks,
  );
  return (
    BigInt(Math.round(found.monoNs)) < span.endNs &&
    (lost === undefined || BigInt(Math.round(lost.monoNs)) > span.startNs)
  );
}

/** What the journal says that each hook captured, by `hook span`. */
function capturesOf(read: ReadSession, target: string): Map<string, Capture> {
  const captures = new Map<string, Capture>();
  for (const event of read.events) {
    if (event.type !== 'hook' || !('span' in event) || event.target !== target) continue;
    const key = `${event.hook} ${event.span}`;
    const atNs = BigInt(Math.round(event.monoNs));
    const known = captures.get(key);
    if (event.state === 'started') captures.set(key, { state: 'captured', startedNs: atNs });
    else if (event.state === 'missed') captures.set(key, { state: 'missed', reason: event.reason });
    else if (event.state === 'stopped' && known?.state === 'captured') known.endedNs = atNs;
  }
  return captures;
}
