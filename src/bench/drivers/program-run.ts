import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Children } from '../../restore/children.ts';
import type { Child, ChildEnd } from '../../target/contract.ts';
import type { RunObserver } from '../driver.ts';
import { BenchmarkError, BinaryNotFoundError } from '../error.ts';
import { answerHold } from './answer-hold.ts';
import { KeptText, lastLinesOf } from './kept-text.ts';
import type { LoadWindow } from './load-window.ts';

/** After the program's own end somebody whom it left behind may hold its pipes open. */
const drainMs = 2_000;

/** What a program that was linked elsewhere needs to start, and what its user set for its messages. */
const passedOn = /^(LD_LIBRARY_PATH|LD_PRELOAD|RUST_LOG|RUST_BACKTRACE|SSL_CERT_(FILE|DIR))$/;

export interface ProgramOptions {
  /** For messages. */
  readonly name: string;
  /** Only for what argument lists must not hold. */
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly observer?: RunObserver;
  /** Opened right before the program starts, and closed right at its end. */
  readonly window?: LoadWindow;
  /** Opened and closed when the program says so instead: it has a pipe for that. */
  readonly held?: true;
  /** Never shown in last lines. */
  readonly secret?: string;
}

/** A program that ran to its own end. */
export interface ProgramRun {
  readonly end: Exclude<ChildEnd, { readonly state: 'not-started' }>;
  readonly stdout: string;
  readonly stderr: string;
  /** Of both outputs, as they came. */
  readonly lastLines: readonly string[];
}

/**
 * Runs a program in a process group of its own, tells its output on as it comes, and keeps the beginning and the end of
 * it. Whatever happens nobody of its group is left when this returns.
 * @throws {BinaryNotFoundError} binary-not-started. @throws {BenchmarkError} aborted, timeout; both with the last lines.
 * @throws what the window's observer throws.
 */
export async function runProgram(argv: readonly string[], options: ProgramOptions): Promise<ProgramRun> {
  const { name, timeoutMs, observer, window, held = false } = options;
  const broken = new AbortController();
  const signal = AbortSignal.any([options.signal, broken.signal]);
  await using children = new Children(observer?.children);
  if (!held && window && !signal.aborted) await beginUnlessAborted(window, signal);
  if (signal.aborted) throw aborted(name, [], signal);
  const [stdout, stderr, both] = [new KeptText(), new KeptText(), new KeptText()];
  const child = children.spawn(argv, {
    env: { ...environment(), ...options.env },
    endSignal: 'SIGINT',
    stdio: ['ignore', 'pipe', 'pipe', ...(held ? (['pipe'] as const) : [])],
  });
  if (held && window) answerHold(child.stdio, window).catch((error: unknown) => broken.abort(error));
  const reads = (['stdout', 'stderr'] as const).map((from) => {
    const kept = from === 'stdout' ? stdout : stderr;
    return read(child[from], (chunk) => {
      kept.add(chunk);
      both.add(chunk);
      observer?.output?.(chunk, from);
    });
  });
  observer?.started?.(argv);

  const stopped = await stopOf(child, signal, timeoutMs);
  if (stopped !== undefined) await child.end();
  const end = await child.ended;
  await window?.end();
  broken.signal.throwIfAborted();
  await Promise.race([Promise.all(reads), sleep(drainMs, undefined, { ref: false })]);
  const lastLines = lastLinesOf(both.toString(), 10, options.secret);
  if (end.state === 'not-started')
    throw new BinaryNotFoundError(
      'binary-not-started',
      `Expected ${argv[0]} to be a program that can be started: ${end.error.message}`,
      { cause: end.error },
    );
  if (stopped === 'aborted') throw aborted(name, lastLines, signal);
  if (stopped === 'timeout')
    throw new BenchmarkError(
      'timeout',
      `${name} had not ended after ${seconds(timeoutMs)}, and was ended. ${printedLast(lastLines)}`,
      { lastLines },
    );
  return { end, stdout: stdout.toString(), stderr: stderr.toString(), lastLines };
}

/** For messages. */
export function printedLast(lastLines: readonly string[]): string {
  const last = lastLines.at(-1);
  return last === undefined ? 'It printed nothing.' : `It printed last: "${last}"`;
}

/** `exit code 3`, `SIGSEGV`. */
export function endText(end: ProgramRun['end']): string {
  return end.state === 'exited' ? `exit code ${end.exitCode}` : end.signal;
}

async function read(stream: Readable | null, take: (chunk: Uint8Array) => void): Promise<void> {
  if (stream === null) return;
  stream.on('data', (chunk: Buffer) => take(chunk));
  await finished(stream).catch(() => undefined);
}

/** Resolves at once when the signal comes: whoever is told may take as long as he likes. */
async function beginUnlessAborted(window: LoadWindow, signal: AbortSignal): Promise<void> {
  const done = new AbortController();
  const aborted = once(signal, 'abort', { signal: done.signal }).catch(() => undefined);
  try {
    await Promise.race([window.begin(), aborted]);
  } finally {
    done.abort();
  }
}

/** Resolves when the program has ended by itself, or with why it must be ended. */
async function stopOf(
  child: Child,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<'aborted' | 'timeout' | undefined> {
  if (signal.aborted) return 'aborted';
  const done = new AbortController();
  const quiet = { signal: done.signal };
  try {
    return await Promise.race([
      child.ended.then(() => undefined),
      new Promise<'aborted'>((resolve) =>
        signal.addEventListener('abort', () => resolve('aborted'), { once: true, ...quiet }),
      ),
      sleepLong(timeoutMs, done.signal).then(() => 'timeout' as const),
    ]);
  } finally {
    done.abort();
  }
}

/** Timers hold up to 2^31 ms. */
async function sleepLong(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.min(ms, 2 ** 31 - 1), undefined, { signal }).catch(() => undefined);
}

function aborted(name: string, lastLines: readonly string[], signal: AbortSignal): BenchmarkError {
  return new BenchmarkError('aborted', `${name} was ended before it was done.`, {
    lastLines,
    cause: signal.reason,
  });
}

function environment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && passedOn.test(entry[0]),
  );
  return { ...Object.fromEntries(kept), NO_COLOR: '1' };
}

function seconds(ms: number): string {
  return ms < 10_000 && ms % 1000 !== 0 ? `${ms} ms` : `${Math.round(ms / 1000)} s`;
}
