import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { toJob } from '../../src/engine/options.ts';
import { perfMapFlags, removePerfMap } from '../../src/engine/perf-map.ts';
import { cli, fixture } from './support.ts';

export interface SlowEngine extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
}

/** The embedded engine, with a function `guiltyLoop` that turns so often for each piece of input; 0: it costs nothing. */
export async function startSlowEngine(turns: number): Promise<SlowEngine> {
  const program = join(cli, '../../engine/main.js');
  // A function that is inlined has no name of its own in a profile.
  const flags = [...perfMapFlags, '--max-inlined-bytecode-size=0', '--import', fixture('slow-loop.mjs')];
  const child = spawn(process.execPath, [...flags, program], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', SLOW_LOOP: String(turns) },
  });
  const lifeline = child.stdio[3] as Socket;
  lifeline.on('error', () => 'it has ended');
  lifeline.write(`${JSON.stringify(toJob({ port: 0 }))}\n`);
  const [line] = (await once(createInterface({ input: lifeline }), 'line')) as [string];
  const { state, pid, port } = JSON.parse(line) as { state: string; pid: number; port: number };
  if (state === 'failed') throw new Error(line);
  return {
    pid,
    port,
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      lifeline.destroy();
      removePerfMap(pid);
    },
  };
}
