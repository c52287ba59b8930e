import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MissingError } from '../../src/error.ts';
import { locate } from './locate.ts';

export interface ServerOptions {
  readonly program?: 'valkey-server' | 'redis-server';
  /** Added after ours, so they win. */
  readonly args?: readonly string[];
  /** A free one without. */
  readonly port?: number;
}

export interface RunningServer extends AsyncDisposable {
  /** Of the server itself, not of a wrapper. */
  readonly pid: number;
  readonly port: number;
  readonly argv: readonly string[];
  /** Settles when the process has ended, whatever ended it. */
  readonly ended: Promise<void>;
}

const readyAfterMs = 15_000;

/** Starts a server on loopback that keeps nothing, and waits until it answers PING. */
export async function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  const program = options.program ?? 'valkey-server';
  const path = locate(program);
  if (path === undefined)
    throw new MissingError('no-server', `${program} is neither on PATH nor fetched: npm run servers`);
  // Another process may take a port that was free a moment ago.
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    try {
      return await startOn(path, port, options.args ?? []);
    } catch (error) {
      if (options.port !== undefined || attempt === 3) throw error;
    }
  }
}

async function startOn(path: string, port: number, args: readonly string[]): Promise<RunningServer> {
  const folder = mkdtempSync(join(tmpdir(), 'stagewatch-server-'));
  const base = `--port ${port} --bind 127.0.0.1 --appendonly no --dir ${folder} --save`.split(' ');
  const argv = [path, ...base, '', ...args];
  const child = spawn(path, argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-2000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const endNow = (): void => void child.kill('SIGKILL');
  process.once('exit', endNow);
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => keep(Buffer.from(error.message)));
    child.once('close', () => {
      process.off('exit', endNow);
      rmSync(folder, { recursive: true, force: true });
      resolve();
    });
  });
  try {
    await waitForPing(child, port);
  } catch (error) {
    endNow();
    throw new Error(`${argv.join(' ')} did not answer PING: ${output}`, { cause: error });
  }
  return { pid: child.pid!, port, argv, ended, [Symbol.asyncDispose]: () => endServer(child, ended) };
}

async function endServer(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return ended;
  child.kill('SIGCONT');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
  await ended;
  clearTimeout(timer);
}

async function waitForPing(child: ChildProcess, port: number): Promise<void> {
  const deadline = performance.now() + readyAfterMs;
  while (child.exitCode === null && child.signalCode === null && performance.now() < deadline) {
    // Also an answer that asks for a password is one.
    if (/^(\+PONG|-NOAUTH)/.test(await ask(port, 'PING\r\n').catch(() => ''))) return;
    await sleep(20);
  }
  throw new Error(child.exitCode === null ? `no answer within ${readyAfterMs} ms` : 'it ended');
}

/** Sends one inline command, gives the first bytes of the reply. */
export async function ask(port: number, command: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(1000) });
    socket.write(command);
    const [chunk] = (await once(socket, 'data', { signal: AbortSignal.timeout(1000) })) as [Buffer];
    return chunk.toString();
  } finally {
    socket.destroy();
  }
}

/** A TCP port of loopback that nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
