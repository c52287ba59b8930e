import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ControlLink } from '../../src/load/control-link.ts';
import { commandOf } from '../../src/load/operations.ts';
import { DEFAULTS, type LoadOptions, type LoadWork } from '../../src/load/options.ts';
import { textOf } from '../../src/valkey/resp.ts';

export const local = (port: number) => ({ host: '127.0.0.1', port, database: 0 });

/** Options of a short load of GET; the rest as a user would leave it. */
export function optionsFor(port: number, changes: Partial<LoadOptions> = {}): LoadOptions {
  return {
    ...DEFAULTS,
    server: local(port),
    work: workOf('get'),
    length: { requests: 1000 },
    clients: 10,
    keyspace: 1000,
    cluster: false,
    ...changes,
  };
}

export function workOf(name: string, cluster = false): LoadWork {
  return { kind: 'commands', name, commands: [commandOf(name, 1, { cluster, isRandom: true })] };
}

/** A command that is none of valkey-benchmark's. */
export function customWork(...words: string[]): LoadWork {
  const name = words.join(' ');
  return { kind: 'commands', name, commands: [{ name, words, share: 1 }] };
}

/** How often the server ran each command, as it says itself. */
export async function commandCalls(port: number): Promise<Record<string, number>> {
  const control = await ControlLink.open(local(port));
  const stats = textOf(await control.demand(['INFO', 'commandstats'])) ?? '';
  control.close();
  return Object.fromEntries(
    [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name, calls]) => [name!, Number(calls)]),
  );
}

export async function ask(port: number, ...words: string[]): Promise<string | undefined> {
  const control = await ControlLink.open(local(port));
  try {
    return textOf(await control.ask(words));
  } finally {
    control.close();
  }
}

export interface CliRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command as a user does. @param onStderr may signal the process. */
export function runCli(
  args: readonly string[],
  onStderr: (text: string, kill: (signal: NodeJS.Signals) => void) => void = () => {},
  environment: NodeJS.ProcessEnv = {},
): Promise<CliRun> {
  const main = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));
  const child = spawn(process.execPath, [main, 'load', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => void (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    onStderr(stderr, (signal) => child.kill(signal));
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
}
