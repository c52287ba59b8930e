import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { dashboardApp } from '../../src/dashboard/app.ts';
import { LiveSession } from '../../src/dashboard/live-session.ts';

export interface Served extends AsyncDisposable {
  readonly port: number;
  /** Connected now, and ever. */
  readonly pages: { open: number; seen: number };
  readonly server: Server;
}

/** The live page's server of a session folder, in this process and on loopback. */
export async function serveFolder(
  folder: string,
  options: { readonly token?: string; readonly stallMs?: number } = {},
): Promise<Served> {
  const session = new LiveSession(folder);
  const pages = { open: 0, seen: 0 };
  const { token, stallMs } = options;
  const app = dashboardApp({
    session,
    access: { host: '127.0.0.1', ...(token === undefined ? {} : { token }) },
    script: 'void 0',
    watching: (change) => {
      pages.open += change;
      if (change === 1) pages.seen++;
    },
    ...(stallMs === undefined ? {} : { stallMs }),
  });
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    pages,
    server,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await session[Symbol.asyncDispose]();
    },
  };
}
