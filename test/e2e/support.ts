import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readProcesses } from './processes.ts';
import { locate } from '../servers/locate.ts';
import type { JournalLine } from '../../src/session/events.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const cli = join(root, 'dist/src/cli/main.js');
export const fixture = (name: string): string => join(root, 'test/fixtures', name);

export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
  /** Resolves when standard error has that text. */
  said(text: string | RegExp): Promise<void>;
}

/** Starts the command as a user would; its end is awaited through `ended`. */
export function startCli(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Running {
  const child = spawn(process.execPath, [cli, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: options.cwd ?? tmpdir(),
    env: { ...process.env, ...options.env },
  });
  const out: Buffer[] = [];
  let err = '';
  const listeners = new Set<() => void>();
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
    for (const listener of listeners) listener();
  });
  child.stdin.on('error', () => 'it may end before it has read everything');
  const ended = new Promise<Ran>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout: Buffer.concat(out), stderr: err }));
  });
  const said = (text: string | RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (typeof text === 'string' ? !err.includes(text) : !text.test(err)) return;
        listeners.delete(look);
        resolve();
      };
      listeners.add(look);
      look();
      void ended.then(() => reject(new Error(`it ended without saying ${String(text)}:\n${err}`)));
    });
  return { child, ended, said };
}

/** Runs the command to its end. @param input standard input; empty without. */
export async function runCli(
  args: readonly string[],
  options: { input?: string | Buffer; cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Ran> {
  const running = startCli(args, options);
  running.child.stdin!.end(options.input ?? '');
  return await running.ended;
}

/** A folder for one test, removed after it. */
export class TestFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'stagewatch-e2e-'));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export interface SpanJson {
  readonly id: number;
  readonly stage: string;
  readonly state: string;
  readonly startNs: number;
  readonly endNs: number;
  readonly durationMs: number;
  readonly timing: { state: string; reason?: string };
  readonly targets: readonly {
    target: string;
    pid?: number;
    hooks: Record<string, HookJson>;
  }[];
  readonly warnings: readonly { code: string; message: string }[];
  readonly folder: string;
}

export interface HookJson {
  readonly coverage: { state: string; ratio?: number; reason?: string };
  readonly startDelayMs?: number;
  readonly artifacts: readonly { path: string; bytes: number }[];
  readonly [fact: string]: unknown;
}

/** A session folder, as a test looks at it. */
export class SessionFolder {
  readonly path: string;

  /** @param outputDir holds exactly one session, unless `name` says which. */
  constructor(outputDir: string, name?: string) {
    const names = readdirSync(outputDir);
    if (name === undefined && names.length !== 1)
      throw new Error(`expected one session, found ${names.join(', ')}`);
    this.path = join(outputDir, name ?? names[0]!);
  }

  get info(): Record<string, unknown> {
    return JSON.parse(readFileSync(join(this.path, 'session.json'), 'utf8')) as Record<string, unknown>;
  }

  get events(): JournalLine[] {
    return readFileSync(join(this.path, 'events.ndjson'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as JournalLine);
  }

  eventsOf<Type extends JournalLine['type']>(type: Type): (JournalLine & { type: Type })[] {
    return this.events.filter((event): event is JournalLine & { type: Type } => event.type === type);
  }

  /** Lines of metrics.ndjson that a hook wrote. */
  sampleCount(hook: string): number {
    return readFileSync(join(this.path, 'metrics.ndjson'), 'utf8').split(`"hook":"${hook}"`).length - 1;
  }

  get spans(): SpanJson[] {
    const folder = join(this.path, 'spans');
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .sort()
      .map((name) => ({
        ...(JSON.parse(readFileSync(join(folder, name, 'span.json'), 'utf8')) as SpanJson),
        folder: join(folder, name),
      }));
  }

  /** The first span of a stage. */
  span(stage: string): SpanJson {
    const span = this.spans.find((candidate) => candidate.stage === stage);
    if (!span) throw new Error(`no span of ${stage} among ${this.spans.map((s) => s.stage).join(', ')}`);
    return span;
  }

  stacks(span: SpanJson, target = 0): string {
    return readFileSync(join(span.folder, span.targets[target]!.target, 'stacks.folded'), 'utf8');
  }

  /** What the hooks did, in order: `start get`, `stop get`, ... */
  order(hook: string): string[] {
    const stages = new Map<number, string>();
    const order: string[] = [];
    for (const event of this.events) {
      if (event.type === 'span-start') stages.set(event.span, event.stage);
      else if (event.type === 'hook' && event.hook === hook)
        order.push('span' in event ? `${event.state} ${stages.get(event.span)}` : event.state);
      else if (event.type === 'collecting') order.push('collecting');
    }
    return order;
  }

  /** Processes that the session started and that still run. */
  survivors(): number[] {
    const running = new Map(readProcesses().map(({ pid, startTicks }) => [pid, startTicks]));
    return this.eventsOf('process')
      .filter((event) => event.state === 'started' && running.get(event.pid) === event.startTicks)
      .map((event) => event.pid);
  }
}

/** Keeps a server busy until disposed: valkey-benchmark, GET, 20 clients. */
export function startLoad(port: number): AsyncDisposable {
  const child = spawn(
    locate('valkey-benchmark')!,
    ['-p', String(port), '-t', 'get', '-n', '1000000000', '-c', '20', '-q'],
    { stdio: 'ignore' },
  );
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
