import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf, MissingError, StagewatchError, UsageError } from '../error.ts';
import type { Annotation } from './collapse-frame.ts';
import { Collapse, type CollapseOptions } from './collapse.ts';
import { foldData } from './fold-data.ts';
import { Fold } from './fold.ts';
import { cleanName } from './frames.ts';
import { magic } from './perf-data.ts';
import { type RootKind, RootNames } from './root-names.ts';
import { readScript } from './script-pass.ts';
import { scriptCommand } from './script-text.ts';

export interface FlameInputOptions {
  /** Default `thread`. */
  readonly by?: RootKind | undefined;
  readonly annotate?: Annotation | undefined;
  /** Samples from then to then, on perf's clock: decimal text of nanoseconds. */
  readonly time?: { readonly fromNs: bigint; readonly toNs: bigint } | undefined;
}

/** Folded stacks, and what a user should know of them. */
export interface FlameInput {
  readonly kind: 'perf.data' | 'perf script' | 'folded stacks';
  /** `a;b;c 42`, sorted. */
  readonly folded: readonly string[];
  readonly notes: readonly string[];
}

const chunkBytes = 256 * 1024;
const headBytes = 64 * 1024;
const standardInput = '-';
const headPattern = /^\s*\S.*?\s+-?\d+(\/-?\d+)?\s+(\[\d+\]\s+)?\d+\.\d+:/;
const framePattern = /^\s+[0-9a-f]+ .+ \(.*\)/;

/**
 * Reads stacks out of a perf.data, the text of `perf script`, or folded stacks: told apart by what is in them.
 * @param path `-` for standard input.
 * @throws {UsageError} unreadable-profile, unknown-profile, folded-option; MissingError perf-missing; StagewatchError
 * perf-script-failed.
 */
export async function readFlameInput(path: string, options: FlameInputOptions = {}): Promise<FlameInput> {
  const file = open(path);
  try {
    const head = readHead(file, path);
    if (head.toString('latin1', 0, magic.length) === magic)
      return path === standardInput ? await readSpooled(file, head, options) : await readData(path, options);
    return isFolded(head, path) ? readFolded(file, head, path, options) : readText(file, head, options);
  } finally {
    if (path !== standardInput) closeSync(file);
  }
}

function open(path: string): number {
  if (path === standardInput) return 0;
  try {
    return openSync(path, constants.O_RDONLY);
  } catch (cause) {
    throw new UsageError(
      'unreadable-profile',
      `Expected the input to be a file that can be read, got "${path}": ${messageOf(cause)}`,
      { cause },
    );
  }
}

function readHead(file: number, path: string): Buffer {
  const head = Buffer.alloc(headBytes);
  let filled = 0;
  try {
    for (let bytes; filled < headBytes && (bytes = readSome(file, head, filled)) > 0;) filled += bytes;
  } catch (cause) {
    throw new UsageError('unreadable-profile', `Expected "${path}" to be a profile: ${messageOf(cause)}`, {
      cause,
    });
  }
  return head.subarray(0, filled);
}

/** Of a pipe that others made non-blocking, too. */
function readSome(file: number, buffer: Buffer, from: number): number {
  for (;;)
    try {
      return readSync(file, buffer, from, buffer.length - from, null);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
}

function* chunksOf(file: number, head: Buffer): Iterable<Buffer> {
  yield head;
  const buffer = Buffer.allocUnsafe(chunkBytes);
  for (let bytes; (bytes = readSome(file, buffer, 0)) > 0;) yield buffer.subarray(0, bytes);
}

/** @throws {UsageError} unknown-profile */
function isFolded(head: Buffer, path: string): boolean {
  const lines = head.toString('utf8').split('\n');
  const first = lines.find((line) => line.trim() !== '' && !line.startsWith('#')) ?? '';
  // A head of perf script ends with a colon, its frames with a bracket.
  if (/^\S.* \d+(\.\d+)?\s*$/s.test(first)) return true;
  if (lines.some((line) => headPattern.test(line) || framePattern.test(line))) return false;
  const shown = first.slice(0, 60).replaceAll(/[^\x20-\x7e]/g, '?');
  throw new UsageError(
    'unknown-profile',
    `Expected "${path}" to be a perf.data, the text of perf script or folded stacks, got ${shown === '' ? 'nothing' : `"${shown}"`}`,
  );
}

function readFolded(file: number, head: Buffer, path: string, options: FlameInputOptions): FlameInput {
  const [given] = Object.entries(options).find(([, value]) => value !== undefined) ?? [];
  if (given !== undefined)
    throw new UsageError(
      'folded-option',
      `Expected --${given} with a perf.data or the text of perf script, got folded stacks ("${path}"): they no longer tell`,
    );
  const chunks: Buffer[] = [];
  for (const chunk of chunksOf(file, head)) chunks.push(Buffer.from(chunk));
  const lines = Buffer.concat(chunks).toString('utf8').split('\n');
  const folded = lines.filter((line) => / \d+(\.\d+)?\s*$/.test(line));
  const left = lines.filter((line) => line.trim() !== '' && !line.startsWith('#')).length - folded.length;
  return { kind: 'folded stacks', folded, notes: left > 0 ? [`${left} lines are no stacks: left out`] : [] };
}

function readText(file: number, head: Buffer, { by, annotate, time }: FlameInputOptions): FlameInput {
  const seconds: CollapseOptions['time'] = time && {
    from: Number(time.fromNs) / 1e9,
    to: Number(time.toNs) / 1e9,
  };
  const collapse = new Collapse({ ...(by && { by }), annotate, time: seconds });
  for (const chunk of chunksOf(file, head)) collapse.push(chunk);
  collapse.end();
  const notes: string[] = [];
  if (collapse.otherSamples > 0)
    notes.push(
      `only ${collapse.event} is shown: ${collapse.otherSamples} samples of other events are left out`,
    );
  if (collapse.unknownLines > 0) notes.push(`${collapse.unknownLines} lines are not perf script's: left out`);
  return { kind: 'perf script', folded: collapse.folded(), notes };
}

async function readData(
  path: string,
  { by = 'thread', annotate, time }: FlameInputOptions,
): Promise<FlameInput> {
  const roots = new RootNames(by);
  const comms = new Map<number, string>();
  const fold = new Fold({
    target: { program: '', pid: 0 },
    root: '',
    annotate,
    // How a process is called is known when all of its threads were seen.
    rootOf: ({ comm, pid, tid }) => {
      roots.saw(comm, pid, tid);
      if (by !== 'process') return roots.of(comm, pid);
      if (!comms.has(pid)) comms.set(pid, comm);
      return String(pid);
    },
    spans: [{ id: 1, startNs: time?.fromNs ?? 0n, endNs: time?.toNs ?? 1n << 62n }],
  });
  const pass = (await foldData(path, fold)) ?? (await readScript(scriptCommand(path), fold));
  if (pass.error?.includes('ENOENT'))
    throw new MissingError('perf-missing', `perf was not found: it reads ${path}. Install linux-perf`);
  const [span] = fold.spans;
  if (pass.error !== undefined && fold.samples === 0)
    throw new StagewatchError('perf-script-failed', `${path} cannot be read: ${pass.error}`);
  const notes: string[] = [];
  if (pass.error !== undefined) notes.push(`not all of ${path} could be read: ${pass.error}`);
  if (span !== undefined && span.lost > 0) notes.push(`perf lost ${span.lost} records`);
  const lines = span === undefined ? [] : [...fold.foldedLines(span)];
  const processName = (pid: number): string => cleanName(roots.of(comms.get(pid) ?? '', pid) ?? '');
  return { kind: 'perf.data', folded: by === 'process' ? renameRoots(lines, processName) : lines, notes };
}

/** @param lines whose roots are process ids. */
function renameRoots(lines: readonly string[], nameOf: (pid: number) => string): string[] {
  const weights = new Map<string, number>();
  for (const line of lines) {
    const blank = line.lastIndexOf(' ');
    const root = /^-?\d+/.exec(line)?.[0] ?? '';
    const stack = nameOf(Number(root)) + line.slice(root.length, blank);
    weights.set(stack, (weights.get(stack) ?? 0) + Number(line.slice(blank + 1)));
  }
  return [...weights].sort(([a], [b]) => (a < b ? -1 : 1)).map(([stack, weight]) => `${stack} ${weight}`);
}

/** perf wants a file. */
async function readSpooled(file: number, head: Buffer, options: FlameInputOptions): Promise<FlameInput> {
  const folder = mkdtempSync(join(tmpdir(), 'stagewatch-'));
  try {
    const path = join(folder, 'perf.data');
    const copy = openSync(path, 'wx', 0o600);
    for (const chunk of chunksOf(file, head))
      for (let at = 0; at < chunk.length;) at += writeSync(copy, chunk, at, chunk.length - at);
    closeSync(copy);
    return await readData(path, options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
