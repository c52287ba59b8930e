import type { AddressInfo, Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { createAdaptorServer } from '@hono/node-server';
import { messageOf } from '../error.ts';
import { readPageScript } from '../report/page.ts';
import { dashboardApp } from './app.ts';
import { LiveSession } from './live-session.ts';
import type { FromWorker, ToWorker, WorkerTask } from './messages.ts';

/** Pages that still read when the session has ended get so long, ms. */
const LINGER_MS = 3_000;
const LINGER_TICK_MS = 50;

const task = workerData as WorkerTask;
const port = parentPort!;
const tell = (message: FromWorker): void => port.postMessage(message);

const pages = { open: 0 };
const session = new LiveSession(task.folder);
const app = dashboardApp({
  session,
  access: { host: task.host, ...(task.token === undefined ? {} : { token: task.token }) },
  script: await readPageScript('live'),
  watching: (change) => (pages.open += change),
});
const server = createAdaptorServer({ fetch: app.fetch });
const sockets = new Set<Socket>();
server.on('connection', (socket: Socket) => {
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
});
server.once('error', (error) => {
  tell({ type: 'failed', message: messageOf(error) });
  port.close();
});
server.listen(task.port, task.host, () => {
  tell({ type: 'listening', port: (server.address() as AddressInfo).port });
});

port.on('message', (message: ToWorker) => {
  if (message.type === 'end') void end();
});

/** The last update goes out, to pages that read it; then nothing is left. */
async function end(): Promise<void> {
  const byMs = performance.now() + LINGER_MS;
  while (pages.open > 0 && performance.now() < byMs)
    await new Promise((resolve) => setTimeout(resolve, LINGER_TICK_MS));
  server.close();
  for (const socket of sockets) socket.destroy();
  await session[Symbol.asyncDispose]();
  port.close();
}
