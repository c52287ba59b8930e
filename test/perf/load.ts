import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { locate } from '../servers/locate.ts';

/** Keeps a server busy with valkey-benchmark until disposed. */
export function startLoad(port: number, ...flags: string[]): AsyncDisposable {
  const program = locate('valkey-benchmark') ?? 'valkey-benchmark';
  const load = spawn(program, ['-p', String(port), '-n', '1000000000', '-q', ...flags], { stdio: 'ignore' });
  return {
    [Symbol.asyncDispose]: async () => {
      if (load.exitCode !== null || load.signalCode !== null) return;
      const exit = once(load, 'exit');
      load.kill('SIGKILL');
      await exit;
    },
  };
}

/** Sends one command. */
export function ask(port: number, ...command: string[]): string {
  return execFileSync(locate('valkey-cli') ?? 'valkey-cli', ['-p', String(port), ...command], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}
