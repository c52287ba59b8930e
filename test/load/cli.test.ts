import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { HistogramLogReader } from 'hdr-histogram-js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LoadResult } from '../../src/load/result.ts';
import { locate } from '../servers/locate.ts';
import { needs } from '../servers/need.ts';
import { freePort, startServer, type RunningServer } from '../servers/start.ts';
import { runCli } from './support.ts';

needs('valkey-server');

let server: RunningServer;
let folder = '';
let port: string[] = [];

beforeAll(async () => {
  server = await startServer();
  port = ['-p', String(server.port)];
  folder = mkdtempSync(join(tmpdir(), 'stagewatch-load-'));
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

test('a result for people says throughput, latency, and which loop it was', async () => {
  const closed = await runCli([...port, '-t', 'set', '-n', '1000', '-r', '100']);
  expect([closed.code, closed.stderr]).toEqual([0, '']);
  expect(closed.stdout).toMatch(
    /^=== SET ===\nThroughput: [\d,]+ req\/s \| Requests: 1,000 \| Duration: [\d.]+s\nLatency \(ms\): avg=[\d.]+ p50=[\d.]+ p95=[\d.]+ p99=[\d.]+ p99.9=[\d.]+ max=[\d.]+ min=[\d.]+\nBase RTT: PING avg=[\d.]+ms p99=[\d.]+ms\nLoop: closed .*stall/,
  );
  const open = await runCli([...port, '-t', 'get', '-n', '500', '--rps', '2000']);
  expect(open.stdout).toMatch(
    /Loop: open at 2,000 req\/s, latency from the intended send time \| late=\d+ unsent=0/,
  );
  expect((await runCli([...port, '-t', 'get', '-n', '500', '-q'])).stdout).toMatch(
    /^GET: [\d.]+ requests per second, p50=[\d.]+ msec\n$/,
  );
});

test('markers of each stage are on standard error, also of one that fails', async () => {
  const two = await runCli([...port, '-t', 'set,get', '-n', '100', '--stage', 'kv', '-q']);
  expect(two.stderr.replaceAll(/duration=\S+/g, 'duration')).toBe(
    '[STAGE:START] kv:set\n[STAGE:END] kv:set duration\n[STAGE:START] kv:get\n[STAGE:END] kv:get duration\n',
  );
  const one = await runCli([...port, '-t', 'get', '-n', '100', '--stage', 'get:warm', '-q']);
  expect(one.stderr).toMatch(/^\[STAGE:START\] get:warm\n\[STAGE:END\] get:warm duration=0\.\d{3}s\n$/);
  const refused = await runCli(['-p', String(await freePort()), '-t', 'get', '--stage', 'x']);
  expect(refused.stderr).not.toMatch(/STAGE/);
});

test('JSON, CSV and the HDR log hold the same figures', async () => {
  const [csv, hdr] = [join(folder, 'r.csv'), join(folder, 'r.hlog')];
  const { stdout, code } = await runCli([
    ...[...port, '-t', 'get', '--duration', '2200ms', '-r', '100', '--threads', '2'],
    ...['--json', '--csv', csv, '--hdr', hdr],
  ]);
  expect(code).toBe(0);
  const { results } = JSON.parse(stdout) as { results: LoadResult[] };
  const result = results[0]!;
  const { latency, series } = result;
  expect(result).toMatchObject({ state: 'complete', loop: 'closed', threads: 2, errors: [], recall: null });
  expect(series.map(({ second }) => second)).toEqual([0, 1, 2]);
  expect(series.reduce((sum, { requests }) => sum + requests, 0)).toBe(result.requests);

  const [head, row] = readFileSync(csv, 'utf8').split('\n');
  expect(head).toMatch(/^"?test"?,"?rps"?,"?avg_latency_ms"?,"?min_latency_ms"?,"?p50_latency_ms/);
  expect(row).toContain(latency!.p50Ms.toFixed(3));

  const reader = new HistogramLogReader(readFileSync(hdr, 'utf8'));
  const whole = reader.nextIntervalHistogram()!;
  let lines = 1;
  for (let next = reader.nextIntervalHistogram(); next; next = reader.nextIntervalHistogram(), lines++)
    whole.add(next as typeof whole);
  expect([lines, whole.totalCount]).toEqual([3, result.requests]);
  expect(whole.getValueAtPercentile(50) / 1000).toBe(latency!.p50Ms);
  expect(whole.getValueAtPercentile(99) / 1000).toBe(latency!.p99Ms);
});

test('Ctrl-C gives what was measured so far, marked partial', async () => {
  const { code, stdout, stderr } = await runCli(
    [...port, '-t', 'get', '--duration', '60', '--stage', 's', '--json'],
    (text, kill) => {
      if (text.includes('START') && !text.includes('END')) setTimeout(() => kill('SIGINT'), 500);
    },
  );
  expect(code).toBe(130);
  const { results } = JSON.parse(stdout) as {
    results: { state: string; partial: boolean; requests: number }[];
  };
  expect(results).toMatchObject([{ state: 'partial', partial: true }]);
  expect(results[0]!.requests).toBeGreaterThan(100);
  expect(stderr).toMatch(/\[STAGE:END\] s /);
});

test('--warmup is not measured, and costs what it says', async () => {
  const before = performance.now();
  const { stdout } = await runCli([...port, '-t', 'get', '-n', '1000', '--warmup', '500ms', '--json']);
  expect(performance.now() - before).toBeGreaterThan(500);
  expect(JSON.parse(stdout)).toMatchObject({ results: [{ requests: 1000 }] });
});

test.skipIf(locate('openssl') === undefined)(
  'a Unix socket, and TLS with a certificate that is checked',
  async () => {
    const socket = join(folder, 's.sock');
    const tls = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2', '-nodes'];
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const made = spawnSync('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-keyout',
      key,
      '-out',
      cert,
      ...tls,
    ]);
    expect(made.status).toBe(0);
    const tlsPort = String(await freePort());
    const files = [
      '--tls-cert-file',
      cert,
      '--tls-key-file',
      key,
      '--tls-ca-cert-file',
      cert,
      '--tls-auth-clients',
      'no',
    ];
    await using both = await startServer({ args: ['--unixsocket', socket, '--tls-port', tlsPort, ...files] });
    const get = ['-t', 'get', '-n', '500', '-P', '4', '-q'];
    expect(await runCli(['-s', socket, ...get])).toMatchObject({ code: 0, stderr: '' });
    expect(await runCli(['-p', tlsPort, '--tls', '--tls-ca-cert', cert, ...get])).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect(await runCli(['-p', tlsPort, '--tls', '--insecure', ...get, '--threads', '2'])).toMatchObject({
      code: 0,
    });
    const unchecked = await runCli(['-p', tlsPort, '--tls', ...get]);
    expect([unchecked.code, unchecked.stdout]).toEqual([4, '']);
    expect(unchecked.stderr).toMatch(/self-signed certificate/);
    const plain = await runCli(['-p', tlsPort, ...get]);
    expect([plain.code, plain.stdout]).toEqual([4, '']);
    expect((await runCli(['-p', String(both.port), '--tls', '--tls-skip-verify', ...get])).code).toBe(4);
  },
);
