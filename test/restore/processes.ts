import { execFileSync } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, readStat } from '../../src/restore/stat.ts';

/** The path of a fixture beside the tests. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** The numbers in the next line that a program prints. */
export async function readPids(stream: Readable | null): Promise<number[]> {
  if (stream === null) throw new Error('Expected a pipe');
  const [chunk] = await new Promise<[Buffer]>((resolve) => {
    stream.once('data', (data: Buffer) => resolve([data]));
  });
  return (chunk.toString().match(/\d+/g) ?? []).map(Number);
}

export function runs(pid: number): boolean {
  return isRunning(readStat(pid));
}

/** @returns false when it is not so within the time. */
export async function eventually(isSo: () => boolean, withinMs = 5000): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (!isSo()) {
    if (performance.now() > deadline) return false;
    await sleep(10);
  }
  return true;
}

/** What a child gets from whoever started the tests, beside 0, 1, 2. */
export function inheritedDescriptors(): number[] {
  // The fourth is that of `ls` itself, reading the folder.
  const text = execFileSync('ls', ['/proc/self/fd'], { encoding: 'utf8' });
  return (text.match(/\d+/g) ?? []).map(Number).filter((descriptor) => descriptor > 3);
}
