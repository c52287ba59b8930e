import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { serversFolder } from '../servers/folder.ts';
import { locate } from '../servers/locate.ts';
import { ask, freePort } from '../servers/start.ts';
import { cli, type Ran } from './support.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Owns nothing, and is in no group. */
const identity = { uid: 65_534, gid: 65_534 };

/** Why nobody cannot be played here; undefined when it can. */
export function cannotBeNobody(): string | undefined {
  if (process.geteuid?.() !== 0) return 'only root can become another user';
  const tried = spawnSync(process.execPath, ['-e', ''], { ...identity, cwd: '/' });
  return tried.status === 0 ? undefined : `${process.execPath} cannot be executed by other users`;
}

/** An unprivileged user with a home of its own, and copies of what it may not read. Removed afterwards. */
export class Nobody implements Disposable {
  readonly home = mkdtempSync(join(tmpdir(), 'stagewatch-nobody-'));
  readonly #cli: string;

  constructor() {
    chmodSync(this.home, 0o777);
    this.#cli = this.#canRun(cli) ? cli : this.#copyPackage();
  }

  /** Runs the command to its end, as that user, in its home. */
  async runCli(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
    const child = spawn(process.execPath, [this.#cli, ...args], {
      ...identity,
      cwd: this.home,
      env: { ...this.#environment, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const out: Buffer[] = [];
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({ code, signal, stdout: Buffer.concat(out), stderr }));
    });
  }

  /** A server of that user. */
  async startServer(): Promise<{ readonly pid: number; readonly port: number } & AsyncDisposable> {
    const port = await freePort();
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', this.home];
    const options = { ...identity, cwd: this.home, env: this.#environment, stdio: 'ignore' } as const;
    const child = spawn(this.#server(), args, options);
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const deadline = performance.now() + 15_000;
    while ((await ask(port, 'PING\r\n').catch(() => '')) !== '+PONG\r\n') {
      if (performance.now() > deadline || child.exitCode !== null)
        throw new Error(`valkey-server as user ${identity.uid} does not answer`);
      await sleep(20);
    }
    return {
      pid: child.pid!,
      port,
      [Symbol.asyncDispose]: async () => {
        child.kill('SIGTERM');
        await ended;
      },
    };
  }

  [Symbol.dispose](): void {
    rmSync(this.home, { recursive: true, force: true });
  }

  get #environment(): NodeJS.ProcessEnv {
    return { PATH: process.env['PATH'], HOME: this.home, LANG: 'C.UTF-8' };
  }

  #canRun(script: string): boolean {
    const tried = spawnSync(process.execPath, [script, '--version'], { ...identity, cwd: '/' });
    return tried.status === 0;
  }

  #copyPackage(): string {
    const folder = join(this.home, 'package');
    for (const part of ['dist', 'node_modules', 'profiles', 'package.json', 'src/restore/guard.sh']) {
      mkdirSync(dirname(join(folder, part)), { recursive: true });
      cpSync(join(root, part), join(folder, part), { recursive: true, verbatimSymlinks: true });
    }
    return join(folder, cli.slice(root.length));
  }

  /** A fetched server is a script that names folders in somebody's home: those are copied. */
  #server(): string {
    const path = locate('valkey-server')!;
    if (!path.startsWith(serversFolder())) return path;
    const folder = join(this.home, 'servers');
    cpSync(join(serversFolder(), 'valkey'), join(folder, 'valkey'), {
      recursive: true,
      verbatimSymlinks: true,
    });
    const script = join(folder, 'valkey-server');
    writeFileSync(script, readFileSync(path, 'utf8').replaceAll(serversFolder(), folder), { mode: 0o755 });
    return script;
  }
}
