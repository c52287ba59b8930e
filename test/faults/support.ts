import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readStats } from '../../src/restore/stat.ts';
import { startCli, type Ran, type Running } from '../e2e/support.ts';

/** A monitor on a pipe that knows what it was sent, so that the pass-through can be compared. */
export class Piped {
  readonly running: Running;
  #sent = '';

  constructor(args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) {
    this.running = startCli(['monitor', ...args], options);
  }

  get pid(): number {
    return this.running.child.pid!;
  }

  get sent(): string {
    return this.#sent;
  }

  write(text: string): void {
    this.#sent += text;
    this.running.child.stdin!.write(text);
  }

  /** A stage of so many ms. */
  async stage(name: string, ms: number, within: () => unknown = () => undefined): Promise<void> {
    this.write(`[STAGE:START] ${name}\n`);
    await sleep(ms / 2);
    await within();
    await sleep(ms / 2);
    this.write(`[STAGE:END] ${name}\n`);
  }

  async end(): Promise<Ran> {
    this.running.child.stdin!.end();
    return await this.running.ended;
  }

  /** Processes below it that are called so. */
  children(name: string): number[] {
    const stats = readStats();
    const ours = new Set([this.pid]);
    // Parents come before their children nearly always; PIDs may wrap around, so twice.
    for (const { pid, ppid } of [...stats, ...stats]) if (ours.has(ppid)) ours.add(pid);
    return stats.filter(({ pid, comm }) => ours.has(pid) && comm === name).map(({ pid }) => pid);
  }
}

/** An environment in which a program of that name is found first, which is this script. */
export function withProgram(folder: string, name: string, script: string): NodeJS.ProcessEnv {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, name), script);
  chmodSync(join(bin, name), 0o755);
  return { PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` };
}

export async function until(what: () => boolean | Promise<boolean>, withinMs = 20_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await what())) {
    if (performance.now() > deadline) throw new Error(`it never came to that: ${what.toString()}`);
    await sleep(50);
  }
}
