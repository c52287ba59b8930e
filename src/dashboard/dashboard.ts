import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { Worker } from 'node:worker_threads';
import { UsageError } from '../error.ts';
import { isLoopback } from './access.ts';
import type { FromWorker, ToWorker, WorkerTask } from './messages.ts';

export interface DashboardOptions {
  /** The session folder: all that the page shows is read from it. */
  readonly folder: string;
  /** Default 127.0.0.1. Anything that is not loopback gets a token. */
  readonly host?: string;
  /** Default: any free one. */
  readonly port?: number;
}

export interface Dashboard extends AsyncDisposable {
  /** To be opened in a browser; with the token where there is one. */
  readonly url: string;
}

/**
 * Serves the live page of a session until it is disposed of. In a thread of its own, which reads the session folder
 * as anyone could: however many pages are open, and however slow, the monitor does not wait.
 * @throws {UsageError} serve-address, when it cannot listen there.
 */
export async function startDashboard({
  folder,
  host = '127.0.0.1',
  port = 0,
}: DashboardOptions): Promise<Dashboard> {
  const token = isLoopback(host) ? undefined : randomBytes(16).toString('hex');
  const task: WorkerTask = { folder, host, port, ...(token === undefined ? {} : { token }) };
  const worker = new Worker(new URL('./worker-main.js', import.meta.url), {
    workerData: task,
    // A page must not take the memory that hooks need.
    resourceLimits: { maxOldGenerationSizeMb: 512 },
  });
  const exited = once(worker, 'exit');
  const first = await new Promise<FromWorker>((resolve) => {
    worker.once('message', resolve);
    worker.once('error', (error: Error) => resolve({ type: 'failed', message: error.message }));
  });
  worker.on('error', () => 'the page is gone; the session is not');
  if (first.type === 'failed') {
    await worker.terminate();
    throw new UsageError(
      'serve-address',
      `Expected --serve to be an address to listen on, got ${host}:${port}: ${first.message}`,
    );
  }
  worker.unref();
  const address = reachable(host);
  const shown = address.includes(':') ? `[${address}]` : address;
  return {
    url: `http://${shown}:${first.port}/${token === undefined ? '' : `?token=${token}`}`,
    async [Symbol.asyncDispose]() {
      worker.ref();
      worker.postMessage({ type: 'end' } satisfies ToWorker);
      await exited;
    },
  };
}

/** Where all addresses are listened on: one that others can open, if there is one. */
function reachable(host: string): string {
  if (host !== '0.0.0.0' && host !== '::') return host;
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  // IPv4 is heard at :: too; an address of one link is of no use in a browser.
  const outer = own.find(({ family, internal }) => !internal && family === 'IPv4');
  return outer?.address ?? '127.0.0.1';
}
