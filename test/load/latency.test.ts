import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { runLoad } from '../../src/load/load.ts';
import { needs } from '../servers/need.ts';
import { startServer } from '../servers/start.ts';
import { ask, optionsFor } from './support.ts';

interface Stub extends AsyncDisposable {
  readonly port: number;
  /** What it really did: its own timers are late now and then. Sorted. */
  delays(): Promise<number[]>;
}

async function startStub(delaysMs: readonly number[]): Promise<Stub> {
  const program = fileURLToPath(new URL('stub-server.mjs', import.meta.url));
  const child = spawn(process.execPath, [program, JSON.stringify(delaysMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(line.toString());
  return {
    port,
    delays: async () => (JSON.parse((await ask(port, 'DELAYS'))!) as number[]).sort((a, b) => a - b),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** Share of the time: a generator that has no core for longer can see no reply come. */
const MAX_WAIT = 0.1;

/** How long this thread has been ready to run and had no core. */
function waitForCoreMs(): number {
  return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[1]) / 1e6;
}

/** 98 % between 100 and 300 ms, 2 % between 800 and 1200 ms, shuffled by a step that is prime to their number. */
const DELAYS_MS = Array.from({ length: 1000 }, (_, i) => {
  const rank = (i * 389) % 1000;
  return rank < 980 ? 100 + (200 * rank) / 980 : 800 + (400 * (rank - 980)) / 20;
});

describe('against a server of known delays', () => {
  test.for([
    ['closed', 'one thread', { clients: 200 }],
    ['closed', 'two threads', { clients: 200, threads: 2 }],
    ['open', 'one thread', { clients: 400, rps: 500 }],
  ] as const)('percentiles are right: %s loop, %s', { retry: 3 }, async ([loop, , changes], { skip }) => {
    // Again where the machine has other work: on a core that somebody else holds, every clock is some ms late.
    await using stub = await startStub(DELAYS_MS);
    const waitedMs = waitForCoreMs();
    const result = await runLoad(optionsFor(stub.port, { length: { requests: 3000 }, ...changes }));
    const waited = (waitForCoreMs() - waitedMs) / result.durationMs;
    const truth = await stub.delays();
    expect([result.loop, result.requests, truth.length]).toEqual([loop, 3000, 3000]);
    const { p50Ms, p99Ms, minMs, maxMs } = result.latency!;
    const [errorOf50, errorOf99] = [Math.abs(p50Ms / truth[1500]! - 1), Math.abs(p99Ms / truth[2970]! - 1)];
    if (waited > MAX_WAIT && (errorOf50 > 0.02 || errorOf99 > 0.05))
      skip(`other programs had the core for ${Math.round(waited * 100)} % of the time`);
    expect(errorOf50).toBeLessThan(0.02);
    expect(errorOf99).toBeLessThan(0.05);
    expect(minMs).toBeGreaterThanOrEqual(100);
    expect(maxMs).toBeGreaterThanOrEqual(truth.at(-1)!);
  });

  test('an open loop with too few clients shows the wait for one, and counts who waited', async () => {
    await using stub = await startStub([20]);
    // 5 clients at 20 ms serve 250 a second, and 500 are due.
    const result = await runLoad(optionsFor(stub.port, { clients: 5, rps: 500, length: { requests: 500 } }));
    expect(result.durationMs).toBeGreaterThan(1900);
    expect(result.latency!.p50Ms).toBeGreaterThan(300);
    expect(result.open!.late).toBeGreaterThan(450);
    const byTime = await runLoad(
      optionsFor(stub.port, { clients: 5, rps: 500, length: { durationMs: 1000 } }),
    );
    expect(byTime.open!.unsent).toBeGreaterThan(200);
    expect(byTime.requests + byTime.open!.unsent).toBe(500);
  });
});

describe('when the server stands still for 300 ms', () => {
  needs('valkey-server');

  async function stalled(rps: number | undefined): Promise<Awaited<ReturnType<typeof runLoad>>> {
    await using server = await startServer();
    const running = runLoad(
      optionsFor(server.port, {
        clients: 50,
        length: { durationMs: 3000 },
        ...(rps !== undefined && { rps }),
      }),
    );
    await sleep(1200);
    process.kill(server.pid, 'SIGSTOP');
    await sleep(300);
    process.kill(server.pid, 'SIGCONT');
    return await running;
  }

  test('an open loop at half of its capacity shows it in p99.9, a closed loop hides it', async () => {
    const closed = await stalled(undefined);
    const open = await stalled(Math.floor(closed.throughput / 2));
    expect(open.latency!.p999Ms).toBeGreaterThan(200);
    expect(open.latency!.maxMs).toBeGreaterThan(290);
    expect(open.open!.late).toBeGreaterThan(1000);
    expect(closed.latency!.maxMs).toBeGreaterThan(290);
    expect(closed.latency!.p999Ms).toBeLessThan(150);
    expect(closed.loop).toBe('closed');
  });
});
