import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { locate } from '../servers/locate.ts';
import { ask, freePort } from '../servers/start.ts';

const script = fileURLToPath(new URL('../fixtures/restart-server.sh', import.meta.url));

/** A valkey-server that a script restarts with another number of I/O threads. */
export class RestartableServer implements AsyncDisposable {
  readonly port: number;
  readonly folder: string;
  /** The command, to which the number may be added. */
  readonly argv: readonly string[];

  private constructor(port: number, folder: string) {
    this.port = port;
    this.folder = folder;
    this.argv = [script, locate('valkey-server')!, String(port), folder];
  }

  static async start(): Promise<RestartableServer> {
    const server = new RestartableServer(
      await freePort(),
      mkdtempSync(join(tmpdir(), 'stagewatch-restartable-')),
    );
    execFileSync(server.argv[0]!, server.argv.slice(1), { stdio: 'ignore' });
    for (let i = 0; i < 500; i++) {
      if ((await ask(server.port, 'PING\r\n').catch(() => '')).startsWith('+PONG')) return server;
      await sleep(20);
    }
    throw new Error(`no valkey-server answers on port ${server.port}`);
  }

  get pid(): number {
    return Number(readFileSync(join(this.folder, 'pid'), 'utf8'));
  }

  /** How it was started, each time: `io-threads 1`. */
  get starts(): string[] {
    return readFileSync(join(this.folder, 'starts'), 'utf8').trim().split('\n');
  }

  /** Ends it; its script starts it again. */
  async fall(): Promise<void> {
    if (!existsSync(join(this.folder, 'pid'))) return;
    process.kill(this.pid, 'SIGTERM');
    for (let i = 0; i < 500 && existsSync(join(this.folder, 'pid')); i++) await sleep(20);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fall();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
