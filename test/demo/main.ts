import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { UsageError, messageOf } from '../../src/error.ts';
import { LoadError } from '../../src/load/error.ts';
import { locate } from '../servers/locate.ts';
import { removeDataset } from './clean-up.ts';
import { stagewatch } from './command.ts';
import { readOutcomes } from './outcome.ts';
import { chooseServer } from './server.ts';
import { showNext, showTable } from './show.ts';

// `npm run demo`: what stagewatch is for, in a minute: a vector benchmark at several ef, and the profile of each stage.
// Everything is done by the commands that it prints.

const usage = `Usage: npm run demo -- [options]

Loads vectors into a server and queries them at several ef, with stagewatch around it: QPS, p99, recall and the server's
CPU time per query of each stage, and, where perf is installed, a flame graph of each.

  --server HOST:PORT  use that server; what the demo writes there is removed again
  --engine            use the embedded engine, whatever else is there
  --seconds N         how long each query stage lasts (default: 4)
  --output-dir DIR    where the session goes (default: ./stage_perf)
  --help              show this

Without --server and --engine it starts valkey-server or redis-server, where one is on PATH or was fetched by
\`npm run servers\` and knows vector search; else the embedded engine. A password is read from VALKEYCLI_AUTH.
`;

const bench = fileURLToPath(new URL('bench.js', import.meta.url));
/** Cosine, since the vector sets of Redis 8 know nothing else; a spread that makes ef matter. */
const datasetFlags = '--count 10000 --dim 64 --metric cosine --spread 2'.split(' ');

async function demo(): Promise<number> {
  const flags = readFlags();
  if (flags.help) {
    process.stdout.write(usage);
    return 0;
  }
  const outputDir = flags['output-dir'];
  const folder = mkdtempSync(join(tmpdir(), 'stagewatch-demo-'));
  try {
    await using server = await chooseServer(flags.server, flags.engine);
    say(`server: ${server.told}\n`);

    const dataset = join(folder, 'demo.yaml');
    const made = await stagewatch(['dataset', 'make', ...datasetFlags, '--output', dataset]);
    if (made !== 0) return made;

    const hasPerf = locate('perf') !== undefined;
    const hooks = [...(hasPerf ? ['--collect-perf'] : []), '--hook', 'threads', '--hook', 'server-metrics'];
    const at = ['-h', server.host, '-p', String(server.port)];
    const about = ['--label', 'demo', '--output-dir', outputDir, '--quiet'];
    const before = new Set(listFolder(outputDir));
    const benchmark = [
      process.execPath,
      bench,
      server.host,
      String(server.port),
      flags.seconds,
      dataset,
      folder,
    ];
    say('');
    const code = await stagewatch(['run', ...hooks, ...at, ...about, '--', ...benchmark]);
    if (server.isTheirs) await removeDataset(server, dataset);

    const session = listFolder(outputDir).find((name) => !before.has(name));
    const outcomes = session === undefined ? [] : readOutcomes(join(outputDir, session), folder);
    if (outcomes.length === 0) {
      say('The benchmark left no result: see above.');
      return code || 1;
    }
    showTable(outcomes);
    showNext(join(outputDir, session!), outcomes, hasPerf);
    // What could not be profiled (3, 5) was told, and is no failure of the demo; the benchmark's own is.
    return code === 3 || code === 5 ? 0 : code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Flags {
  readonly server: string | undefined;
  readonly engine: boolean;
  readonly seconds: string;
  readonly 'output-dir': string;
  readonly help: boolean;
}

function readFlags(): Flags {
  const options = {
    server: { type: 'string' },
    engine: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '4' },
    'output-dir': { type: 'string', default: './stage_perf' },
    help: { type: 'boolean', default: false },
  } as const;
  let flags;
  try {
    flags = parseArgs({ options }).values;
  } catch (error) {
    throw new UsageError('demo-flags', `${messageOf(error)}\n\n${usage}`);
  }
  const { server, seconds } = flags;
  if (server !== undefined && !/^(\[[\da-f:.]+\]|[^:]+):\d{1,5}$/i.test(server))
    throw new UsageError('demo-server', `Expected --server to be HOST:PORT, got "${server}".`);
  if (server !== undefined && flags.engine)
    throw new UsageError('demo-server', 'Expected --server or --engine, got both.');
  if (!/^[1-9]\d{0,3}$/.test(seconds))
    throw new UsageError('demo-seconds', `Expected --seconds to be from 1 to 9999, got "${seconds}".`);
  return { ...flags, server };
}

function listFolder(path: string): string[] {
  return existsSync(path) ? readdirSync(path).toSorted() : [];
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

try {
  process.exitCode = await demo();
} catch (error) {
  say(messageOf(error).replace('-h and -p (or -s) say where', '--server says where'));
  process.exitCode = error instanceof UsageError ? 2 : error instanceof LoadError ? 4 : 5;
}
