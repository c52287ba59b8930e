import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeDataset } from '../src/bench/dataset/make.ts';
import { startEngine } from '../src/engine/start.ts';
import { runLoad } from '../src/load/load.ts';
import { DEFAULTS, type LoadOptions, type VectorOperation } from '../src/load/options.ts';
import { locate } from '../test/servers/locate.ts';
import { startServer } from '../test/servers/start.ts';

const EFS = [10, 50, 200];
const CLIENTS = 16;
const MEASURED_MS = 3000;

/**
 * Who is the limit of a vec-query, the server or this process? A main thread that always has work, running or waiting
 * for a core, is the limit; so a busy machine changes the rates, and not the answer.
 */
export async function run(print: (line: string) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'stagewatch-bench-'));
  try {
    const shape = { count: 10_000, dim: 64, metric: 'cosine', spread: 2 } as const;
    const dataset = await makeDataset({ output: join(folder, 'd'), ...shape });
    print(`10,000 x 64, cosine, k 10, ${CLIENTS} clients, one thread`);
    {
      await using engine = await startEngine();
      await queries(`engine, ${engine.hnsw}`, dataset, engine, print);
    }
    if (locate('redis-server') === undefined) return print('no redis-server 8 (npm run servers)');
    await using server = await startServer({ program: 'redis-server' });
    await queries('Redis 8, vector set', dataset, server, print);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function queries(
  name: string,
  dataset: string,
  { pid, port }: { readonly pid: number; readonly port: number },
  print: (line: string) => void,
): Promise<void> {
  const options = (operation: VectorOperation, efSearch: number): LoadOptions => ({
    ...DEFAULTS,
    server: { host: '127.0.0.1', port, database: 0 },
    clients: CLIENTS,
    cluster: false,
    work: { ...DEFAULTS, kind: 'vectors', name: operation, operation, dataset, efSearch },
  });
  await runLoad(options('vec-load', 0));
  for (const ef of EFS) {
    // Read when the first request leaves and when the last reply has come: nothing else is counted.
    const readings: Reading[] = [];
    const { requests, durationMs, throughput, recall } = await runLoad(
      { ...options('vec-query', ef), length: { durationMs: MEASURED_MS } },
      undefined,
      ({ type }) => void ((type === 'started' || type === 'ended') && readings.push(read(pid))),
    );
    const [before, after] = readings as [Reading, Reading];
    const share = (of: (reading: Reading) => number): string =>
      `${Math.round(((of(after) - of(before)) / durationMs) * 100)} %`;
    const each = (of: (reading: Reading) => number): string =>
      `${Math.round(((of(after) - of(before)) / requests) * 1000)} µs`;
    print(
      `${name}, ef ${ef}: ${Math.round(throughput)}/s, recall ${recall!.avg.toFixed(3)}; main thread had work: server ` +
        `${share((r) => r.serverWorkMs)}, load ${share((r) => r.ourWorkMs)}; CPU per query: server ${each((r) => r.serverCpuMs)}, load ${each((r) => r.ourCpuMs)}`,
    );
  }
}

interface Reading {
  readonly serverWorkMs: number;
  readonly ourWorkMs: number;
  readonly serverCpuMs: number;
  readonly ourCpuMs: number;
}

function read(pid: number): Reading {
  const { user, system } = process.cpuUsage();
  return {
    serverWorkMs: workMs(pid),
    ourWorkMs: workMs(process.pid),
    serverCpuMs: cpuMs(pid),
    ourCpuMs: (user + system) / 1000,
  };
}

/** How long the main thread of a process ran, or could have run, had there been a core. */
function workMs(pid: number): number {
  const [ranNs, waitedNs] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ').map(Number);
  return (ranNs! + waitedNs!) / 1e6;
}

/** User and system time of a process; a tick is 10 ms on Linux. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
