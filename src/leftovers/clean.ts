import { constants } from 'node:fs';
import { open, readFile, unlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, UsageError } from '../error.ts';
import { recoverSession } from '../monitor/recover.ts';
import { endProcess, isStillRunning, type ProcessIdentity } from '../restore/end-process.ts';
import { thisMachine } from '../restore/machine.ts';
import { type OpenChange, openChanges } from '../restore/open-changes.ts';
import { readStat } from '../restore/stat.ts';
import type { SessionEvent } from '../session/events.ts';
import { type ReadSession, readSession } from '../session/read.ts';
import { Session } from '../session/session.ts';
import { isSessionStarted, writerOf } from '../session/writer.ts';
import type { ServerAddress } from '../valkey/client.ts';
import { whyNotOurs } from './find.ts';
import { type PutBack, putBack } from './put-back.ts';
import { serverOf } from './server-of.ts';

/** Held by whoever cleans a session: two at once would put back twice. */
const lockName = '.cleaning';

export interface CleanOptions {
  /** Tells what would be done, and does nothing. */
  readonly dryRun: boolean;
  /** Also make the artifacts of what was captured, and end the journal. */
  readonly collect: boolean;
  readonly stop: AbortSignal;
}

export interface CleanedSession {
  readonly folder: string;
  /** Processes of the session that still ran. */
  readonly processes: readonly {
    readonly pid: number;
    readonly argv: readonly string[];
    readonly state: 'ended' | 'still-running';
  }[];
  /** Last change first. */
  readonly settings: readonly (Pick<OpenChange, 'setting' | 'server' | 'from'> & {
    readonly outcome: PutBack;
  })[];
  /** Undefined when its journal had its end already, or it was not asked for. */
  readonly collected?: Collected;
}

export type Collected =
  | {
      readonly state: 'collected';
      readonly spans: number;
      readonly artifacts: number;
      readonly failures: readonly string[];
    }
  | { readonly state: 'would-collect' }
  | { readonly state: 'failed'; readonly reason: string };

/**
 * Ends, puts back and completes what a session left that was cut short: by SIGKILL, a power loss, a reboot. Doing it
 * again does nothing.
 * @throws {UsageError} not-a-session; not-ours; session-running, session-elsewhere; being-cleaned.
 */
export async function cleanSession(folder: string, options: CleanOptions): Promise<CleanedSession> {
  const whole = resolve(folder);
  const foreign = await whyNotOurs(whole);
  const read = await readSession(whole);
  if (foreign !== undefined)
    throw new UsageError(
      'not-ours',
      `Expected a session that only you can write, since its journal says what is ended and set: ${foreign}.`,
    );
  const isSameBoot = demandGone(read);
  await using held = options.dryRun ? undefined : await lock(whole);
  void held;
  const processes = isSameBoot ? await endProcesses(read, options.dryRun) : [];
  const settings = await putAllBack(read, isSameBoot, options.dryRun);
  const isEnded = read.events.some((event) => event.type === 'session' && event.state === 'ended');
  if (isEnded || !options.collect) return { folder: whole, processes, settings };
  return { folder: whole, processes, settings, collected: await collect(read, options) };
}

/** @returns whether PIDs of the journal mean something still. @throws {UsageError} when its writer may be alive. */
function demandGone({ folder, events }: ReadSession): boolean {
  const started = events.find(isSessionStarted);
  if (!started) return true;
  const { pid, host, bootId } = started;
  const writer = writerOf(started);
  if (writer === 'running')
    throw new UsageError(
      'session-running',
      `Expected a session that was cut short, but ${folder} is still being written by stagewatch with PID ${pid}.`,
    );
  if (writer === 'elsewhere')
    throw new UsageError(
      'session-elsewhere',
      `Expected a session of this machine (${thisMachine().host}), but ${folder} was written on ${host}: run stagewatch clean there.`,
    );
  return bootId === undefined || bootId === thisMachine().bootId;
}

async function endProcesses(read: ReadSession, dryRun: boolean): Promise<CleanedSession['processes']> {
  const left = leftRunning(read);
  return await Promise.all(
    left.map(async ({ pid, startTicks, argv }) => ({
      pid,
      argv,
      state:
        dryRun || (await endProcess({ pid, startTicks })) ? ('ended' as const) : ('still-running' as const),
    })),
  );
}

/** Processes that the session started, that still run, and that are the same ones. */
function leftRunning({ events }: ReadSession): (ProcessIdentity & { readonly argv: readonly string[] })[] {
  return events.filter(
    (event): event is typeof event & { type: 'process'; state: 'started' } =>
      event.type === 'process' &&
      event.state === 'started' &&
      // A journal may be damaged: a group of 0 or 1 would be ours, or everybody's.
      Number.isSafeInteger(event.pid) &&
      event.pid > 1 &&
      Array.isArray(event.argv) &&
      isStillRunning(event),
  );
}

async function putAllBack(
  read: ReadSession,
  isSameBoot: boolean,
  dryRun: boolean,
): Promise<CleanedSession['settings']> {
  const open = openChanges(read.events.filter((event) => event.type === 'setting'));
  if (open.length === 0) return [];
  const about = read.events.find(isSessionStarted)?.about ?? {};
  const done: CleanedSession['settings'][number][] = [];
  for (const change of open) {
    const address: ServerAddress | undefined = serverOf(change.server, about);
    const outcome = await putBack(change, address, { isSameBoot, dryRun });
    const { setting, from, server } = change;
    done.push({ setting, from, ...(server === undefined ? {} : { server }), outcome });
  }
  if (!dryRun) await journal(read.folder, open, done);
  return done;
}

/** So that the next one finds nothing to do. */
async function journal(
  folder: string,
  open: readonly OpenChange[],
  done: CleanedSession['settings'],
): Promise<void> {
  // What was put back is put back, whether the disk has room to say so or not.
  await using session = await Session.reopen(folder, () => {});
  for (const [index, { setting, from, server, outcome }] of done.entries()) {
    const { thread, tos } = open[index]!;
    const event: SessionEvent = {
      type: 'setting',
      state: outcome.state === 'restored' || outcome.state === 'nothing-to-do' ? 'restored' : 'not-restored',
      setting,
      from,
      to: tos.at(-1) ?? '',
      ...(server === undefined ? {} : { server }),
      ...(thread === undefined ? {} : { thread }),
      ...(outcome.state === 'restored' ? {} : { message: outcome.reason }),
    };
    session.record(event);
  }
}

async function collect(read: ReadSession, { dryRun, stop }: CleanOptions): Promise<Collected> {
  if (dryRun) return { state: 'would-collect' };
  const { folder } = read;
  try {
    const { spans, artifacts, failures } = await recoverSession(folder, stop, () => {});
    if (stop.aborted) return { state: 'failed', reason: 'it was interrupted' };
    return {
      state: 'collected',
      spans,
      artifacts: artifacts.length,
      failures: failures.map(({ message }) => message),
    };
  } catch (error) {
    await endJournal(read);
    return { state: 'failed', reason: messageOf(error) };
  }
}

/** What cannot be collected now is not tried again at every start; `stagewatch collect` still does. */
async function endJournal({ folder, events }: ReadSession): Promise<void> {
  await using session = await Session.reopen(folder, () => {});
  const spans = events.filter((event) => event.type === 'span-start').length;
  session.record({ type: 'session', state: 'ended', spans, failures: 1, recovered: true });
}

/** @throws {UsageError} being-cleaned. */
async function lock(folder: string): Promise<AsyncDisposable> {
  const path = join(folder, lockName);
  for (let attempt = 1; ; attempt++) {
    try {
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
      await using file = await open(path, flags, 0o600);
      const holder = {
        pid: process.pid,
        startTicks: readStat(process.pid)?.startTicks ?? 0,
        ...thisMachine(),
      };
      await file.writeFile(JSON.stringify(holder));
      return { [Symbol.asyncDispose]: () => unlink(path).catch(() => {}) };
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
      const holder = await holderOf(path);
      const isHeld = holder && isStillRunning(holder) && holder.bootId === thisMachine().bootId;
      if (attempt > 3 || isHeld)
        throw new UsageError(
          'being-cleaned',
          `${folder} is being cleaned by stagewatch${holder ? ` with PID ${holder.pid}` : ''}.`,
          { cause },
        );
      // Without a name in it, it was made this very moment, or its holder died just then.
      if (holder === undefined && attempt < 3) await sleep(100);
      else await unlink(path).catch(() => {});
    }
  }
}

async function holderOf(path: string): Promise<(ProcessIdentity & { readonly bootId?: string }) | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as ProcessIdentity & { readonly bootId?: string };
  } catch {
    return undefined;
  }
}
