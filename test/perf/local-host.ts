import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { access, constants, readdir, readFile } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { LocalFiles } from '../../src/target/open-files.ts';
import type { Child, ChildEnd, Host, SpawnOptions, Target } from '../../src/target/contract.ts';

/** This machine, as plainly as can be: really starts programs and really reads files. */
export const localHost: Host = {
  name: 'localhost',
  command: (argv) => argv,
  spawn: start,
  readFile: (path) => readFile(path, 'utf8'),
  canRead: (path) =>
    access(path, constants.R_OK).then(
      () => true,
      () => false,
    ),
  list: (path) => readdir(path),
  openFiles: (paths) => Promise.resolve(new LocalFiles(paths)),
};

export function localTarget(pid: number, program: string): Target {
  const startTicks = startTicksOf(pid) ?? 0;
  return {
    ...localHost,
    id: `localhost-pid${pid}`,
    program,
    pid,
    startTicks,
    commandLine: program,
    isAlive: () => startTicksOf(pid) === startTicks,
  };
}

function start(argv: readonly string[], options: SpawnOptions = {}): Child {
  const [program = '', ...args] = options.background ? ['nice', '-n', '10', ...argv] : argv;
  const child = spawn(program, args, {
    stdio: [...(options.stdio ?? ['ignore', 'pipe', 'pipe'])],
    env: { ...process.env, ...options.env },
    detached: true,
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  });
  const ended = new Promise<ChildEnd>((resolve) => {
    child.once('error', (error) => resolve({ state: 'not-started', error }));
    child.once('exit', (exitCode, signal) =>
      resolve(signal === null ? { state: 'exited', exitCode: exitCode ?? 0 } : { state: 'killed', signal }),
    );
  });
  return {
    pid: child.pid,
    argv,
    stdio: child.stdio as readonly (Readable | Writable | null)[],
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    ended,
    end: async () => {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
        process.kill(-child.pid, options.endSignal ?? 'SIGTERM');
      return ended;
    },
  };
}

function startTicksOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : Number(fields[18]);
  } catch {
    return undefined;
  }
}
