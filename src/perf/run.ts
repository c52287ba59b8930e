import type { Readable } from 'node:stream';
import type { ChildEnd, Host, SpawnOptions } from '../target/contract.ts';

export interface Ran {
  readonly end: ChildEnd;
  readonly stdout: string;
  readonly stderr: string;
}

/** What perf needs to behave the same for everybody: no ~/.perfconfig, no downloads of debug symbols, no pager. */
export const perfEnvironment: Readonly<Record<string, string>> = {
  PERF_CONFIG: '/dev/null',
  DEBUGINFOD_URLS: '',
  PERF_PAGER: 'cat',
  LC_ALL: 'C',
};

/** Runs a short program to its end. @param input for its standard input. Never rejects. */
export async function run(
  host: Host,
  argv: readonly string[],
  options: Pick<SpawnOptions, 'env' | 'background'> = {},
  input?: string,
): Promise<Ran> {
  const stdio = [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] as const;
  const child = host.spawn(argv, { ...options, stdio });
  if (input !== undefined) {
    // It may end before it has read everything; its exit code tells.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  }
  const [stdout, stderr, end] = await Promise.all([textOf(child.stdout), textOf(child.stderr), child.ended]);
  return { end, stdout, stderr };
}

/** Of a child's stream. @param limit bytes kept, from its beginning; the rest is read and dropped. */
function textOf(stream: Readable | null, limit = 64 * 1024 * 1024): Promise<string> {
  if (stream === null) return Promise.resolve('');
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let kept = 0;
    const done = (): void => resolve(Buffer.concat(chunks).toString('utf8'));
    stream.on('data', (chunk: Buffer) => {
      if (kept < limit) chunks.push(chunk);
      kept += chunk.length;
    });
    stream.on('close', done);
    stream.on('end', done);
    stream.on('error', done);
  });
}
