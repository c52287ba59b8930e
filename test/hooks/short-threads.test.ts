import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import perfRecord from '../../hooks/perf-record.ts';
import { Random } from '../../src/stats/random.ts';
import type { EndedSpan } from '../../src/hook/index.ts';
import { localTarget } from '../perf/local-host.ts';
import { endedSpan } from '../perf/span.ts';
import { needs } from '../servers/need.ts';
import { type RunningServer, startServer } from '../servers/start.ts';
import { contextIn, ended, noArtifacts } from './context.ts';

needs('perf', 'redis-server');

const DIM = 64;
const VECTORS = 1_500;
const session = mkdtempSync(join(tmpdir(), 'stagewatch-threads-'));
const random = new Random(1);
let server: RunningServer;
const stop = new AbortController();
let queries: Promise<void>;

beforeAll(async () => {
  server = await startServer({ program: 'redis-server' });
  const socket = connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  const adds = Array.from({ length: VECTORS }, (_, i) => command('VADD', 'v', 'FP32', vector(), `e${i}`));
  await replies(socket, Buffer.concat(adds), VECTORS);
  queries = (async () => {
    while (!stop.signal.aborted)
      await replies(socket, command('VSIM', 'v', 'FP32', vector(), 'COUNT', '1', 'EF', '20'), 3);
    socket.destroy();
  })();
});
afterAll(async () => {
  stop.abort();
  await queries;
  await server[Symbol.asyncDispose]();
  rmSync(session, { recursive: true, force: true });
});

/** Redis 8 starts a thread for each VSIM: it is over in a fraction of a sampling period. */
async function profile(scope: 'auto' | 'process'): Promise<{
  share: number;
  warnings: readonly { code: string; fails?: boolean }[];
  folded: string;
}> {
  const folder = join(session, scope);
  const target = localTarget(server.pid, 'redis-server');
  const options = perfRecord.options.parse({ scope });
  const { ctx, out, warnings, facts } = contextIn(folder, 'perf-record', target, options);
  await using armed = await perfRecord.arm(ctx);
  const span = endedSpan('vec-query', process.hrtime.bigint());
  await armed.start(span);
  await sleep(1_500);
  const done: EndedSpan = ended(span);
  await armed.stop(done);
  const artifacts = await armed.collect([done], out, noArtifacts);
  const { samples, cpuMs, frequency } = facts.get(span.id) as Record<string, number>;
  const [stacks] = artifacts;
  return {
    share: (samples! * 1_000) / frequency! / cpuMs!,
    warnings,
    folded: stacks ? readFileSync(join(folder, stacks.path), 'utf8') : '',
  };
}

test('threads that live shorter than a sampling period are seen, each for its time, and others are not', async () => {
  const { share, warnings, folded } = await profile('auto');
  expect(share).toBeGreaterThan(0.85);
  expect(share).toBeLessThan(1.2);
  expect(warnings.filter(({ code }) => code === 'under-sampled')).toEqual([]);
  expect(folded).toContain('VSIM');
  // The test itself ran all the while, on the same CPUs.
  expect(folded).not.toMatch(/^(?:node|vitest|swapper)/m);
});

test('where they are missed the profile says how much of the CPU time it saw', async () => {
  const { share, warnings } = await profile('process');
  expect(share).toBeLessThan(0.4);
  expect(warnings).toMatchObject([{ code: 'under-sampled', fails: true }]);
});

function vector(): Buffer {
  return Buffer.from(Float32Array.from({ length: DIM }, () => random.bell()).buffer);
}

function command(...words: (string | Buffer)[]): Buffer {
  const parts = words.map((word) => Buffer.from(word as string));
  return Buffer.concat([
    Buffer.from(`*${parts.length}\r\n`),
    ...parts.flatMap((part) => [Buffer.from(`$${part.length}\r\n`), part, Buffer.from('\r\n')]),
  ]);
}

/** Sends it, and waits for that many lines of replies. */
async function replies(socket: Socket, bytes: Buffer, lines: number): Promise<void> {
  socket.write(bytes);
  for (let seen = 0; seen < lines;) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    if (chunk.includes('-ERR')) throw new Error(chunk.toString());
    seen += chunk.toString('latin1').split('\n').length - 1;
  }
}
