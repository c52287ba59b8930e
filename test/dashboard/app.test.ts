import { once } from 'node:events';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { sessionFolder } from '../report/folder.ts';
import { processSelf } from './self.ts';
import { serveFolder, type Served } from './served.ts';

async function serve(
  events: readonly object[] = [],
  options: { token?: string; stallMs?: number } = {},
): Promise<Served & { readonly folder: string }> {
  const made = await sessionFolder([
    { type: 'session', state: 'started', folder: '/x', ...processSelf(), about: { label: 'made' } },
    ...events,
  ]);
  const served = await serveFolder(made.folder, options);
  return {
    ...served,
    folder: made.folder,
    async [Symbol.asyncDispose]() {
      await served[Symbol.asyncDispose]();
      await made[Symbol.asyncDispose]();
    },
  };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** fetch() lets nobody set Host and Origin. */
async function ask(
  port: number,
  path: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const asked = request({ host: '127.0.0.1', port, path, method, headers });
  asked.end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) text += String(chunk);
  return { status: answer.statusCode!, headers: answer.headers, text };
}

test('each path is guarded alike: other hosts, other origins and writes are refused', async () => {
  await using served = await serve();
  for (const path of ['/', '/updates', '/metrics', '/detail/1', '/nothing']) {
    expect((await ask(served.port, path, { headers: { Host: 'evil.example' } })).status).toBe(403);
    expect((await ask(served.port, path, { headers: { Origin: 'http://evil.example' } })).status).toBe(403);
    expect((await ask(served.port, path, { method: 'POST' })).status).toBe(405);
  }
  const page = await ask(served.port, '/');
  expect(page.status).toBe(200);
  expect(page.text).toContain("connect-src 'self'");
  expect(page.headers).toMatchObject({
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
  });
  expect((await ask(served.port, '/nothing')).status).toBe(404);
  expect((await ask(served.port, '/detail/1')).status).toBe(404);
  expect((await ask(served.port, '/detail/../events.ndjson')).status).toBe(404);
});

test('with a token nothing is told without it; the page keeps it in a cookie of its own port', async () => {
  await using served = await serve([], { token: 'secret' });
  for (const path of ['/', '/metrics', '/updates', '/detail/1'])
    expect((await ask(served.port, path)).status).toBe(403);
  expect((await ask(served.port, '/?token=wrong')).status).toBe(403);
  const page = await ask(served.port, '/?token=secret');
  const [cookie = ''] = page.headers['set-cookie'] ?? [];
  expect(cookie).toBe(`stagewatch-${served.port}=secret; Path=/; HttpOnly; SameSite=Strict`);
  expect(page.text).not.toContain('secret');
  const headers = { Cookie: cookie.split(';')[0]! };
  expect((await ask(served.port, '/metrics', { headers })).status).toBe(200);
  expect((await ask(served.port, '/metrics', { headers: { Authorization: 'Bearer secret' } })).status).toBe(
    200,
  );
});

test('a page that does not read is cut off, and nothing is kept for it', async () => {
  // More than the buffers of a socket hold.
  const stage = `get:${'x'.repeat(4_000)}`;
  const spans = Array.from({ length: 4_000 }, (_, i) => ({
    type: 'span-start',
    span: i + 1,
    stage,
    source: 's',
    watched: false,
  }));
  await using served = await serve(spans, { stallMs: 100 });
  const socket = connect(served.port, '127.0.0.1');
  socket.on('error', () => 'cut off');
  socket.pause();
  socket.write(`GET /updates HTTP/1.1\r\nHost: localhost:${served.port}\r\n\r\n`);
  await expect.poll(() => served.pages.seen, { timeout: 20_000 }).toBe(1);
  // The next news finds the last still on its way.
  const news = { type: 'warning', code: 'news', message: 'news', t: 'x', monoNs: 6e9 };
  const gone = async (): Promise<number> => {
    await appendFile(join(served.folder, 'events.ndjson'), `${JSON.stringify(news)}\n`);
    return served.pages.open;
  };
  await expect.poll(gone, { timeout: 20_000, interval: 100 }).toBe(0);
  const connections = (): Promise<number> =>
    new Promise((resolve, reject) =>
      served.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
    );
  await expect.poll(connections, { timeout: 20_000 }).toBe(0);
  socket.destroy();
});

test('no more than 16 pages are told, and a place is free again when one goes', async () => {
  await using served = await serve();
  const sockets = Array.from({ length: 16 }, () => {
    const socket = connect(served.port, '127.0.0.1');
    socket.on('error', () => 'ended by us');
    socket.resume();
    socket.write(`GET /updates HTTP/1.1\r\nHost: localhost:${served.port}\r\n\r\n`);
    return socket;
  });
  await expect.poll(() => served.pages.open, { timeout: 20_000 }).toBe(16);
  expect((await ask(served.port, '/updates')).status).toBe(503);
  sockets[0]!.destroy();
  await expect.poll(() => served.pages.open, { timeout: 20_000 }).toBe(15);
  for (const socket of sockets) socket.destroy();
  await expect.poll(() => served.pages.open, { timeout: 20_000 }).toBe(0);
});
