import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const program = fileURLToPath(new URL('measure.mjs', import.meta.url));

/** Makes a dataset, or reads all of one, in a process of its own. @returns the most memory that it had, bytes. */
export async function measure(...args: readonly string[]): Promise<{ vectors: number; maxRss: number }> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args]);
  return JSON.parse(stdout) as { vectors: number; maxRss: number };
}
