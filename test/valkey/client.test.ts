import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify, inspect } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { whoListensOn } from '../../src/target/sockets.ts';
import { clusterProcessesOf, processIdOf } from '../../src/valkey/client-process.ts';
import { ControlClient, type ServerAddress } from '../../src/valkey/client.ts';
import { parseClusterNodes } from '../../src/valkey/cluster.ts';
import { credentialsOf, Secret } from '../../src/valkey/credentials.ts';
import { locate } from '../servers/locate.ts';
import { needs } from '../servers/need.ts';
import { ask, freePort, startServer } from '../servers/start.ts';

needs('valkey-server', 'valkey-cli', 'openssl');

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'stagewatch-client-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (port: number, more: Partial<ServerAddress> = {}): ServerAddress => ({
  host: '127.0.0.1',
  port,
  ...more,
});
const askOnce = async (address: ServerAddress): Promise<string> => {
  await using client = new ControlClient(address);
  return client.askText(['INFO', 'server']);
};

/** A listener that is no server. */
async function listener(
  answer: (socket: Socket) => void,
): Promise<{ port: number; connections: () => number } & Disposable> {
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {});
    answer(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    [Symbol.dispose]: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

describe('what cannot be asked says why', () => {
  test('a password is wanted, or wrong; a user may not ask', async () => {
    await using server = await startServer({
      args: ['--requirepass', 'hunter2', '--user', 'guest', 'on', '>guest', '+get', '+auth'],
    });
    const { port } = server;
    const as = (password: string, user?: string): ServerAddress =>
      at(port, { password: new Secret(password), ...(user === undefined ? {} : { user }) });
    await expect(askOnce(at(port))).rejects.toMatchObject({ code: 'auth-required' });
    await expect(askOnce(as('wrong'))).rejects.toMatchObject({ code: 'wrong-password' });
    await expect(askOnce(as('guest', 'guest'))).rejects.toMatchObject({ code: 'not-permitted' });
    expect(await askOnce(as('hunter2'))).toContain(`process_id:${server.pid}`);
    expect(await askOnce(as('hunter2', 'default'))).toContain('process_id');
  });

  test('a server without a password takes one that stands in the environment', async () => {
    await using server = await startServer();
    const credentials = credentialsOf({}, { REDISCLI_AUTH: 'other', VALKEYCLI_AUTH: 'hunter2' });
    expect(credentials.password!.reveal()).toBe('hunter2');
    expect(await askOnce(at(server.port, credentials))).toContain('process_id');
  });

  test.each([
    ['nobody', undefined, 'refused'],
    ['one that talks first', 'SSH-2.0-OpenSSH_9.2\r\n', 'not-a-server'],
    ['a web server', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'not-a-server'],
    ['one that says nothing', '', 'no-answer'],
    ['one that hangs up', 'close', 'connection-lost'],
  ])('%s', async (_, text, code) => {
    using other = await listener((socket) => {
      if (text === 'close') socket.end();
      else if (text !== '') socket.write(text ?? '');
    });
    const port = text === undefined ? await freePort() : other.port;
    const began = performance.now();
    await expect(askOnce(at(port))).rejects.toMatchObject({ code });
    expect(performance.now() - began).toBeLessThan(4_500);
  });

  test('a server that is down is not asked in a storm', async () => {
    using other = await listener((socket) => socket.end());
    await using client = new ControlClient(at(other.port));
    for (let i = 0; i < 50; i++) await client.ask([['PING']]).catch(() => 'expected');
    await Promise.all(Array.from({ length: 50 }, () => client.ask([['PING']]).catch(() => 'expected')));
    expect(other.connections()).toBe(1);
  });
});

test('many questions at once share one connection, and a lost one is made again', async () => {
  await using server = await startServer();
  await using client = new ControlClient(at(server.port));
  await Promise.all(Array.from({ length: 20 }, () => client.ask([['PING']])));
  const clients = async (): Promise<number> =>
    (await client.askText(['CLIENT', 'LIST'])).split('\n').filter((line) => line.includes('name=stagewatch'))
      .length;
  expect(await clients()).toBe(1);
  await ask(server.port, 'CLIENT KILL TYPE normal SKIPME yes\r\n');
  expect(await clients()).toBe(1);
});

test('a server that ends does not leave a question unanswered', async () => {
  const server = await startServer();
  await using client = new ControlClient(at(server.port));
  await client.ask([['PING']]);
  const codeOf = (error: unknown): string => (error as { code: string }).code;
  const code = client.ask([['BLPOP', 'nothing', '0']], Infinity).then(() => 'answered', codeOf);
  await sleep(50);
  await server[Symbol.asyncDispose]();
  expect(await code).toMatch(/^(connection-lost|refused|error-reply)$/);
});

test('over a Unix socket', async () => {
  const socket = join(folder, 'server.sock');
  await using server = await startServer({ args: ['--unixsocket', socket] });
  expect(await askOnce(at(0, { socket }))).toContain(`process_id:${server.pid}`);
});

test('over TLS: verified, refused, and unverified when that is asked for', async () => {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  const how = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert];
  await run('openssl', [...how, ...name]);
  const tlsPort = await freePort();
  const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cert];
  await using server = await startServer({
    args: ['--tls-port', String(tlsPort), ...files, '--tls-auth-clients', 'optional'],
  });
  expect(await askOnce(at(tlsPort, { tls: { ca: cert, cert, key } }))).toContain(`process_id:${server.pid}`);
  expect(await askOnce(at(tlsPort, { tls: { skipVerify: true } }))).toContain('process_id');
  expect(await askOnce(at(tlsPort, { tls: { ca: cert, sni: 'localhost' } }))).toContain('process_id');
  await expect(askOnce(at(tlsPort, { tls: {} }))).rejects.toMatchObject({ code: 'tls-failed' });
  await expect(askOnce(at(tlsPort, { tls: { ca: cert, sni: 'other' } }))).rejects.toMatchObject({
    code: 'tls-failed',
  });
  await expect(askOnce(at(tlsPort))).rejects.toMatchObject({ code: 'connection-lost' });
  // A server that speaks no TLS waits for the end of a line.
  await expect(askOnce(at(server.port, { tls: {} }))).rejects.toThrow('no answer; is it a TLS port?');
  await expect(askOnce(at(tlsPort, { tls: { ca: '/nowhere' } }))).rejects.toThrow('/nowhere');
});

test('a password is shown nowhere', () => {
  const address = at(1, { password: new Secret('hunter2') });
  for (const text of [JSON.stringify(address), inspect(address, { depth: 9 }), `${address.password}`])
    expect(text).not.toContain('hunter2');
});

describe('which process', () => {
  test('answers at a port', async () => {
    await using server = await startServer();
    expect(await processIdOf(at(server.port), whoListensOn)).toBe(server.pid);
  });

  test('is not told by a server whose PID is another one here', async () => {
    await using server = await startServer();
    // What a server in a container says: PID 1.
    using proxy = await listener((socket) => {
      socket.on('data', (chunk) => {
        const info = `process_id:1\r\n`;
        const replies = chunk.toString().match(/\*\d/g)?.length ?? 1;
        socket.write(`$${info.length}\r\n${info}\r\n`.repeat(replies));
      });
    });
    await expect(processIdOf(at(proxy.port), whoListensOn)).rejects.toMatchObject({ code: 'not-local' });
    await expect(processIdOf(at(server.port), () => [])).rejects.toThrow('--server-pid');
  });

  test('are those of a cluster', async () => {
    const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'];
    await using a = await startServer({ args });
    await using b = await startServer({ args });
    await using c = await startServer({ args });
    const ports = [a, b, c].map(({ port }) => `127.0.0.1:${port}`);
    await run(locate('valkey-cli')!, ['--cluster', 'create', ...ports, '--cluster-yes']);
    const found = await clusterProcessesOf(at(b.port), whoListensOn);
    expect(found.map((entry) => (entry.state === 'local' ? entry.pid : entry.reason)).toSorted()).toEqual(
      [a.pid, b.pid, c.pid].toSorted(),
    );
    const slots = found.flatMap(({ node }) => node.slots.map(([first, last]) => last - first + 1));
    expect(slots.reduce((sum, count) => sum + count, 0)).toBe(16_384);
    expect(found.filter(({ node }) => node.myself).map(({ node }) => node.port)).toEqual([b.port]);
  });
});

test('CLUSTER NODES in all its shapes', () => {
  const id = (letter: string): string => letter.repeat(40);
  const nodes = parseClusterNodes(
    [
      `${id('a')} 10.0.0.1:6379@16379,host-1 myself,master - 0 0 1 connected 0-5460 5462 [93->-${id('b')}]`,
      `${id('b')} ::1:6380@16380 slave ${id('a')} 0 0 1 connected`,
      `${id('c')} :0@0 master,noaddr - 0 0 1 disconnected`,
      'vars currentEpoch 6 lastVoteEpoch 0',
      '',
    ].join('\n'),
  );
  expect(nodes).toEqual([
    {
      id: id('a'),
      host: '10.0.0.1',
      port: 6379,
      role: 'primary',
      myself: true,
      failed: false,
      slots: [
        [0, 5460],
        [5462, 5462],
      ],
    },
    {
      id: id('b'),
      host: '::1',
      port: 6380,
      role: 'replica',
      myself: false,
      failed: false,
      primaryId: id('a'),
      slots: [],
    },
    { id: id('c'), host: '', port: 0, role: 'primary', myself: false, failed: true, slots: [] },
  ]);
});
