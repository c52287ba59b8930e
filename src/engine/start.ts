import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { MissingError, StagewatchError } from '../error.ts';
import { type EngineOptions, type EngineReport, toJob } from './options.ts';
import { perfMapFlags, removePerfMap, removeStalePerfMaps } from './perf-map.ts';
import type { HnswProviderName } from './vector/provider.ts';

/** How it ended: code, or signal. */
export interface EngineEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningEngine extends AsyncDisposable {
  /** Of the server itself: this is the process to profile. */
  readonly pid: number;
  readonly port: number;
  /** Which HNSW serves. */
  readonly hnsw: HnswProviderName;
  /** Settles when the process has ended, whatever ended it. */
  readonly ended: Promise<EngineEnd>;
}

/** After that a SIGTERM becomes a SIGKILL, ms. */
const END_WITHIN_MS = 3_000;
const READY_WITHIN_MS = 20_000;

/**
 * Starts the embedded vector server as a process of its own, which ends when we do, however we end. It is no database:
 * it keeps nothing, and knows only what benchmarks need.
 * @throws UsageError for bad options, StagewatchError `engine-not-started`: the port is taken, ...
 */
export async function startEngine(options: EngineOptions = {}): Promise<RunningEngine> {
  const job = toJob(options);
  removeStalePerfMaps();
  const flags = options.perfMap === false ? [] : perfMapFlags;
  // In a group of its own, so that a terminal's Ctrl-C reaches only us: we end it.
  const child = spawn(process.execPath, [...flags, programPath()], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const ended = endOf(child);
  let complaint = '';
  child.stderr!.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-4000)));
  const lifeline = child.stdio[3] as Socket;
  lifeline.on('error', () => {}); // the child is gone: `ended` tells
  lifeline.write(`${JSON.stringify(job)}\n`);
  const report = await readReport(lifeline, child, ended);
  if (report.state === 'failed') {
    await end(child, ended);
    const said = complaint.trim().split('\n').at(-1);
    const message = `The engine did not start: ${report.message}${said ? `: ${said}` : ''}`;
    throw report.code.startsWith('no-')
      ? new MissingError(report.code, report.message)
      : new StagewatchError('engine-not-started', message);
  }
  for (const handle of [child, lifeline, child.stderr as Socket]) handle.unref();
  return {
    pid: report.pid,
    port: report.port,
    hnsw: report.hnsw,
    ended,
    [Symbol.asyncDispose]: () => end(child, ended),
  };
}

async function readReport(
  lifeline: Socket,
  child: ChildProcess,
  ended: Promise<EngineEnd>,
): Promise<EngineReport> {
  const failed = (message: string): EngineReport => ({
    state: 'failed',
    code: 'engine-not-started',
    message,
  });
  let timer: NodeJS.Timeout | undefined;
  const lines = createInterface({ input: lifeline });
  try {
    return await Promise.race([
      new Promise<EngineReport>((resolve) =>
        lines.once('line', (line) => resolve(JSON.parse(line) as EngineReport)),
      ),
      ended.then(({ exitCode, signal }) => failed(`it ended with ${signal ?? exitCode ?? 'no code'}`)),
      new Promise<EngineReport>((resolve) => {
        timer = setTimeout(
          () => resolve(failed(`no answer in ${READY_WITHIN_MS / 1000} s`)),
          READY_WITHIN_MS,
        );
      }),
      new Promise<EngineReport>((resolve) => child.once('error', (error) => resolve(failed(error.message)))),
    ]);
  } finally {
    clearTimeout(timer);
    // Nothing more comes; the descriptor stays open, since its end would end the engine.
    lifeline.removeAllListeners('data');
  }
}

function endOf(child: ChildProcess): Promise<EngineEnd> {
  return new Promise((resolve) => {
    const settle = (exitCode: number | null, signal: NodeJS.Signals | null): void => {
      if (child.pid !== undefined) removePerfMap(child.pid);
      resolve({ exitCode, signal });
    };
    child.once('exit', settle);
    child.once('error', () => settle(null, null));
  });
}

async function end(child: ChildProcess, ended: Promise<EngineEnd>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
    child.ref();
    child.kill('SIGTERM');
    child.kill('SIGCONT'); // one that is stopped would not hear it
    const timer = setTimeout(() => child.kill('SIGKILL'), END_WITHIN_MS);
    await ended;
    clearTimeout(timer);
  } else await ended;
  (child.stdio[3] as Socket | null)?.destroy();
}

/** Run from source (tests), the compiled program is in dist/. */
function programPath(): string {
  const compiled = import.meta.url.endsWith('.ts') ? '../../dist/src/engine/main.js' : './main.js';
  return fileURLToPath(new URL(compiled, import.meta.url));
}
