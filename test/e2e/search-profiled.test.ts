import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { locate } from '../servers/locate.ts';
import { needs } from '../servers/need.ts';
import { startServer, type RunningServer } from '../servers/start.ts';
import { Curve, search } from './search-support.ts';
import { SessionFolder, startLoad, TestFolder } from './support.ts';

needs('perf', 'valkey-server', 'valkey-benchmark');

let server: RunningServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());

test('each trial begins when its hooks capture, and its span has the profile', async () => {
  using own = new TestFolder();
  // The stand-in says when it began; the load beside it gives the server something to do.
  await using load = startLoad(server.port);
  void load;
  const curve = new Curve(own.path, 300);
  await search([
    ...['grid-search', '-t', 'get', '-p', String(server.port), '--binary', curve.binary],
    ...['--grid', 'num_clients=3,6,9', '--confirmations', '0', '--profile', 'cpu'],
    ...['--output-dir', join(own.path, 'out')],
  ]);
  const session = new SessionFolder(join(own.path, 'out'));
  expect(session.order('perf-record').filter((step) => /^(start|stop)/.test(step))).toEqual(
    [3, 6, 9].flatMap((clients) => [`started get:clients_${clients}`, `stopped get:clients_${clients}`]),
  );
  const { spans } = session;
  expect(spans.map(({ stage }) => stage)).toEqual(['get:clients_3', 'get:clients_6', 'get:clients_9']);
  for (const [i, span] of spans.entries()) {
    const started = session
      .eventsOf('hook')
      .filter((event) => event.state === 'started' && event.span === span.id)
      .map(({ monoNs }) => monoNs);
    const { atNs } = curve.runs[i]!;
    expect(Math.max(...started)).toBeLessThan(atNs);
    expect(atNs).toBeLessThan(span.endNs);
    // No trial's hooks begin before those of the trial before it have ended.
    const stopped = session
      .eventsOf('hook')
      .filter((event) => event.state === 'stopped' && event.span === spans[i - 1]?.id)
      .map(({ monoNs }) => monoNs);
    expect(Math.max(0, ...stopped)).toBeLessThan(Math.min(...started));
    expect(span.targets).toMatchObject([{ pid: server.pid }]);
    expect(span.targets[0]!.hooks['perf-record']!['samples']).toBeGreaterThan(20);
    expect(session.stacks(span)).toContain('aeMain');
  }
  expect(session.survivors()).toEqual([]);
});

test('a search with a p99 limit, through valkey-benchmark and with flame graphs', async () => {
  using own = new TestFolder();
  const answer = await search([
    ...['max-qps-recall', '-t', 'get', '-p', String(server.port), '--binary', locate('valkey-benchmark')!],
    ...['-n', '20000', '--max-value', '32', '--max-p99-latency', '200', '--max-runs', '12', '--repeats', '2'],
    ...['--collect-perf', '--output-dir', own.path],
  ]);
  expect(answer.best!.result.latencyP99).toBeLessThanOrEqual(200);
  const session = new SessionFolder(own.path);
  expect(session.spans.length).toBe(answer.trials.length);
  for (const span of session.spans)
    expect(span.targets[0]!.hooks['flamegraph']!.artifacts.map(({ path }) => path)).toContainEqual(
      expect.stringMatching(/flamegraph\.html$/),
    );
});
