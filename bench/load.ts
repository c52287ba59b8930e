import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ControlLink } from '../src/load/control-link.ts';
import { runLoad } from '../src/load/load.ts';
import { commandOf } from '../src/load/operations.ts';
import { DEFAULTS, type ServerAddress } from '../src/load/options.ts';
import { textOf } from '../src/valkey/resp.ts';
import { locate } from '../test/servers/locate.ts';
import { startServer } from '../test/servers/start.ts';
import { run as vectorQueries } from './vec-query.ts';

const PAIRS = 10;
const CLIENTS = 50;
const CASES = [
  { pipeline: 1, requests: 200_000 },
  { pipeline: 16, requests: 2_000_000 },
] as const;

/**
 * GET with 50 clients on one thread each: `stagewatch load` and valkey-benchmark in turns, so that what else happens
 * on the machine hits both. Every run's requests are counted by the server too.
 */
export async function run(print: (line: string) => void): Promise<void> {
  const program = locate('valkey-benchmark');
  if (program === undefined) return print('skipped: no valkey-benchmark (npm run servers)');
  await using server = await startServer();
  const address: ServerAddress = { host: '127.0.0.1', port: server.port, database: 0 };
  for (const { pipeline, requests } of CASES) {
    const ours: number[] = [];
    const theirs: number[] = [];
    // The first pair warms up the JIT, the server and the caches.
    for (let pair = 0; pair <= PAIRS; pair++) {
      const both = [
        async () => void ours.push(await counted(address, requests, () => load(address, pipeline, requests))),
        async () =>
          void theirs.push(
            await counted(address, requests, () => benchmark(program, address, pipeline, requests)),
          ),
      ];
      for (const measure of pair % 2 === 0 ? both : both.toReversed()) await measure();
    }
    const [a, b] = [median(ours.slice(1)), median(theirs.slice(1))];
    print(
      `GET -c ${CLIENTS} -P ${pipeline}: stagewatch load ${kilo(a)}, valkey-benchmark ${kilo(b)}: ${(a / b).toFixed(2)}x (medians of ${PAIRS})`,
    );
    print(`  stagewatch load   ${spread(ours.slice(1))}`);
    print(`  valkey-benchmark  ${spread(theirs.slice(1))}`);
  }
  await vectorQueries(print);
}

async function load(server: ServerAddress, pipeline: number, requests: number): Promise<number> {
  const { throughput } = await runLoad({
    ...DEFAULTS,
    server,
    work: {
      kind: 'commands',
      name: 'get',
      commands: [commandOf('get', 1, { cluster: false, isRandom: false })],
    },
    length: { requests },
    clients: CLIENTS,
    pipeline,
    cluster: false,
  });
  return throughput;
}

async function benchmark(
  program: string,
  { port }: ServerAddress,
  pipeline: number,
  requests: number,
): Promise<number> {
  const words = `-p ${port} -t get -n ${requests} -c ${CLIENTS} -P ${pipeline} --csv`;
  const { stdout } = await promisify(execFile)(program, words.split(' '));
  return Number(/^"GET","([\d.]+)"/m.exec(stdout)?.[1]);
}

/** The throughput of one run, when the server has seen exactly its requests. */
async function counted(
  address: ServerAddress,
  requests: number,
  measure: () => Promise<number>,
): Promise<number> {
  const control = await ControlLink.open(address);
  try {
    await control.demand(['CONFIG', 'RESETSTAT']);
    const throughput = await measure();
    const stats = textOf(await control.demand(['INFO', 'commandstats'])) ?? '';
    const calls = Number(/cmdstat_get:calls=(\d+)/.exec(stats)?.[1]);
    if (calls !== requests) throw new Error(`expected ${requests} GETs, the server counted ${calls}`);
    return throughput;
  } finally {
    control.close();
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const high = Math.floor(sorted.length / 2);
  const low = sorted.length % 2 === 0 ? high - 1 : high;
  return (sorted[low]! + sorted[high]!) / 2;
}

function spread(values: readonly number[]): string {
  return values
    .toSorted((a, b) => a - b)
    .map(kilo)
    .join('  ');
}

function kilo(rate: number): string {
  return `${(rate / 1000).toFixed(1)}k/s`;
}
