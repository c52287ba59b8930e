import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { SourceEnd } from '../../src/source/contract.ts';
import { until } from './recorder.ts';
import { stageLabel, type Stage } from '../../src/stage/stage.ts';

const fixture = fileURLToPath(new URL('fixtures/follow.mjs', import.meta.url));
const built = fileURLToPath(new URL('../../dist/src/source/stdin.js', import.meta.url));

/** What the fixture said on descriptor 3. */
export interface Told {
  /** `start a`, `end a`; those from history with a `(` before and `)` after. */
  readonly markers: string[];
  readonly notices: string[];
  readonly end: SourceEnd & { count: number; maxRss: number };
}

/** Of descriptors 0 to 2. */
type Stdio = ('pipe' | 'ignore' | 'inherit' | number)[];

type Line =
  | { type: 'started'; self: number }
  | { type: 'pid'; pid: number }
  | { type: 'notice'; code: string }
  | { type: 'batch'; history: boolean; markers: { kind: string; stage: Stage }[] }
  | ({ type: 'ended' } & Told['end']);

/** A source of the built package, run by a program of its own: descriptors 0 to 2 are what it is about. */
export class Program {
  readonly process: ChildProcess;
  readonly lines: Line[] = [];
  /** Resolves once it has exited. */
  readonly exited: Promise<number | null>;
  readonly #closed: Promise<void>;

  constructor(kind: 'stdin' | 'child' | 'file', stdio: Stdio, options: object = {}, wrap?: string) {
    if (!existsSync(built)) throw new Error('The package is not built: run npm run build');
    const argv = [process.execPath, fixture, kind, JSON.stringify(options)];
    // A wrapper puts the program between other ones, as a shell does: "$@" is the program.
    const [command = '', ...args] = wrap === undefined ? argv : ['bash', '-c', wrap, 'bash', ...argv];
    this.process = spawn(command, args, { stdio: [...stdio, 'pipe'] });
    this.exited = new Promise((resolve) => this.process.once('exit', resolve));
    this.#closed = new Promise((resolve) => this.process.once('close', () => resolve()));
    let rest = '';
    this.process.stdio[3]?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      this.lines.push(...lines.map((line) => JSON.parse(line) as Line));
    });
  }

  markers(): string[] {
    return this.lines.flatMap((line) =>
      line.type === 'batch'
        ? line.markers.map(({ kind, stage }) => {
            const text = `${kind} ${stageLabel(stage)}`;
            return line.history ? `(${text})` : text;
          })
        : [],
    );
  }

  notices(): string[] {
    return this.lines.flatMap((line) => (line.type === 'notice' ? [line.code] : []));
  }

  /** The process that runs the source; undefined until it is started. */
  get pid(): number | undefined {
    return this.lines.find((line) => line.type === 'started')?.self;
  }

  /** Sends it a signal, once it is started. SIGUSR2 stops the source. */
  async signal(signal: NodeJS.Signals): Promise<number> {
    await until(() => this.pid !== undefined, 'the start');
    const pid = this.pid as number;
    process.kill(pid, signal);
    return pid;
  }

  async told(): Promise<Told> {
    await this.#closed;
    const end = this.lines.at(-1);
    if (end?.type !== 'ended') throw new Error(`The program has not ended well: ${JSON.stringify(end)}`);
    return { markers: this.markers(), notices: this.notices(), end };
  }
}

/** All that a stream brings. */
export async function readAll(stream: NodeJS.ReadableStream | null | undefined): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
