import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { messageOf } from '../error.ts';
import { lastWords } from './record.ts';
import { perfEnvironment } from './run.ts';
import { type ScriptReader, ScriptText } from './script-text.ts';

export interface ScriptPass {
  /** What went wrong; what was read before counts all the same. */
  readonly error: string | undefined;
  readonly unknownLines: number;
}

/**
 * Streams what `perf script` prints into a reader. It runs in our own process group: in the background that is stopped
 * as a whole while a watched span is open.
 * @param third for its descriptor 3.
 */
export async function readScript(
  [program = '', ...args]: readonly string[],
  reader: ScriptReader,
  third?: number,
): Promise<ScriptPass> {
  const text = new ScriptText(reader);
  const perf = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe', ...(third === undefined ? [] : [third])],
    env: { ...process.env, ...perfEnvironment },
  });
  let said = '';
  perf.stderr?.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-8192)));
  const ended = once(perf, 'close').catch((error: unknown) => error);
  for await (const chunk of perf.stdout ?? []) text.push(chunk as Buffer);
  text.end();
  const end = await ended;
  const { unknownLines } = text;
  if (!Array.isArray(end)) return { error: messageOf(end), unknownLines };
  const error =
    perf.exitCode === 0
      ? undefined
      : `perf script ended with ${perf.exitCode ?? perf.signalCode}: ${lastWords(said)}`;
  return { error, unknownLines };
}
