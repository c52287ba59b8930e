import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ControlLink } from '../../src/load/control-link.ts';
import { runLoad } from '../../src/load/load.ts';
import { needs } from '../servers/need.ts';
import { freePort, startServer } from '../servers/start.ts';
import { customWork, local, optionsFor, runCli, workOf } from './support.ts';

needs('valkey-server');

test('nobody listens: exit 4, the address, no result', async () => {
  const port = await freePort();
  const { code, stdout, stderr } = await runCli(['-p', String(port), '-t', 'get']);
  expect([code, stdout]).toEqual([4, '']);
  expect(stderr).toMatch(new RegExp(`Expected a server at 127.0.0.1:${port}, but nothing listens there`));
});

test('a wrong password, a missing one and one too many are told apart', async () => {
  await using server = await startServer({ args: ['--requirepass', 'right'] });
  const port = ['-p', String(server.port), '-t', 'get', '-n', '100'];
  const wrong = await runCli([...port, '-a', 'wrong']);
  expect([wrong.code, wrong.stdout]).toEqual([4, '']);
  expect(wrong.stderr).toMatch(/refuses the password/);
  expect(wrong.stderr).toMatch(/-a shows the password in ps/);
  const missing = await runCli(port);
  expect([missing.code, missing.stdout]).toEqual([4, '']);
  expect(missing.stderr).toMatch(/wants a password: give it with VALKEYCLI_AUTH/);
  const right = await runCli(port, undefined, { VALKEYCLI_AUTH: 'right' });
  expect([right.code, right.stderr]).toEqual([0, '']);
  await using open = await startServer();
  const needless = await runCli(['-p', String(open.port), '-t', 'get', '-n', '100', '-a', 'x']);
  expect(needless.code).toBe(4);
  expect(needless.stderr).toMatch(/refuses the password|has no password/);
});

test('a server that dies in mid-run leaves no result', async () => {
  await using server = await startServer();
  let killing: NodeJS.Timeout | undefined;
  const killed = runCli(
    ['-p', String(server.port), '-t', 'get', '--duration', '10', '--stage', 'get', '--json'],
    (text) => {
      if (text.includes('[STAGE:START]'))
        killing ??= setTimeout(() => process.kill(server.pid, 'SIGKILL'), 300);
    },
  );
  const { code, stdout, stderr } = await killed;
  expect(code).toBe(4);
  expect(JSON.parse(stdout)).toMatchObject({ results: [], error: { code: 'connection-lost' } });
  expect(stderr).toMatch(/The connection to 127\.0\.0\.1:\d+ was lost: .*After \d+ replies/);
  expect(stderr).toMatch(/\[STAGE:END\] get /);
});

test('a server that is out of memory: errors by kind, exit 4; --allow-errors lets them pass', async () => {
  await using server = await startServer({
    args: ['--maxmemory', '3mb', '--maxmemory-policy', 'noeviction'],
  });
  const args = ['-p', String(server.port), '-t', 'set', '-n', '3000', '-r', '100000', '-d', '10000'];
  const { code, stdout, stderr } = await runCli(args);
  expect(code).toBe(4);
  expect(stdout).toMatch(/=== SET === \(FAILED\)/);
  expect(stdout).toMatch(/Error OOM: [\d,]+ x, first: OOM command not allowed/);
  expect(stderr).toMatch(/replies of set were errors \(OOM [\d,]+ x: OOM command not allowed/);
  expect((await runCli([...args, '--allow-errors', '-q'])).code).toBe(0);
});

test('only requests that succeeded count as throughput, and have a latency', async () => {
  await using server = await startServer();
  await runLoad(optionsFor(server.port, { work: workOf('lpush'), length: { requests: 10 } }));
  const result = await runLoad(optionsFor(server.port, { work: customWork('INCR', 'mylist'), pipeline: 4 }));
  expect(result.errors).toEqual([
    {
      kind: 'WRONGTYPE',
      count: 1000,
      example: expect.stringMatching(/^WRONGTYPE Operation against/) as string,
    },
  ]);
  expect([result.throughput, result.latency, result.errorCount]).toEqual([0, null, 1000]);
});

test('a server that is loading serves nothing yet, and is not measured', async () => {
  await using server = await startServer({
    args: ['--enable-debug-command', 'yes', '--loading-process-events-interval-bytes', '1024'],
  });
  const control = await ControlLink.open(local(server.port));
  await control.demand(['DEBUG', 'POPULATE', '20000']);
  await control.demand(['CONFIG', 'SET', 'key-load-delay', '200']);
  const reload = control.ask(['DEBUG', 'RELOAD']);
  await sleep(500);
  await expect(runLoad(optionsFor(server.port))).rejects.toMatchObject({
    code: 'loading',
    message: expect.stringMatching(/still loading its data/) as string,
  });
  control.close();
  await reload.catch(() => {});
});

test('a server that hangs fails the run after --timeout', async () => {
  await using server = await startServer();
  const running = runLoad(optionsFor(server.port, { length: { durationMs: 20_000 }, timeoutMs: 1000 }));
  setTimeout(() => process.kill(server.pid, 'SIGSTOP'), 500);
  await expect(running).rejects.toMatchObject({ code: 'no-reply' });
  const before = expect.objectContaining({ code: 'no-reply' }) as Error;
  await expect(runLoad(optionsFor(server.port, { timeoutMs: 500 }))).rejects.toEqual(before);
});

test('a server that takes fewer clients says so', async () => {
  await using server = await startServer({ args: ['--maxclients', '5'] });
  await expect(runLoad(optionsFor(server.port, { clients: 20 }))).rejects.toMatchObject({
    message: expect.stringMatching(/max number of clients reached/) as string,
  });
});

test('a loss in a worker is told like one on the main thread', async () => {
  await using server = await startServer();
  const running = runLoad(optionsFor(server.port, { length: { durationMs: 20_000 }, threads: 2 }));
  setTimeout(() => process.kill(server.pid, 'SIGKILL'), 800);
  await expect(running).rejects.toMatchObject({ code: 'connection-lost' });
});

test('what is no Valkey is refused', async () => {
  const http = createServer((socket) =>
    socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'),
  ).listen(0);
  await once(http, 'listening');
  await expect(runLoad(optionsFor((http.address() as AddressInfo).port))).rejects.toMatchObject({
    code: 'protocol',
  });
  http.close();
});

test('--cluster with a server that is none', async () => {
  await using server = await startServer();
  await expect(runLoad(optionsFor(server.port, { cluster: true }))).rejects.toMatchObject({
    code: 'no-cluster',
  });
});

test.each([
  [['-t', 'gett'], /Expected an operation out of/],
  [[], /Expected -t with operations/],
  [['-t', 'get:0.5,set'], /Expected each operation of a mix to have a share/],
  [['-t', 'vec-query'], /Expected --dataset with vec-query/],
  [['-t', 'get', '--threads', '9', '-c', '5'], /Expected --threads to be at most/],
  [['-t', 'get', '-n', '10', '--duration', '3'], /cannot be used with option/],
  [['-t', 'get', '-c', 'many'], /Expected a whole number from 1/],
  [['-t', 'get', '--stage', 'a b'], /stage name/],
  [['-t', 'get', '--user', 'me'], /Expected a password with --user/],
  [['-t', 'get', '--frobnicate'], /unknown option/],
])('wrong usage is exit 2: %j', async (args, message) => {
  const { code, stdout, stderr } = await runCli(args);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(message);
});
