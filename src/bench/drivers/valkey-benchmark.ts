import { UsageError } from '../../error.ts';
import type { BenchmarkConfig } from '../config.ts';
import { BenchmarkError, ParseError } from '../error.ts';
import type { IdentifiedBinary } from './identify.ts';
import type { BenchmarkProgram } from './program-driver.ts';
import { endText, printedLast, type ProgramRun } from './program-run.ts';
import { silent, type Reading } from './reading.ts';
import { normalised, refusePassword, refuseSecretArguments } from './settings.ts';
import { threadWarning, valkeyBenchmarkArguments } from './valkey-benchmark-arguments.ts';
import { type CsvTest, readCsv } from './valkey-benchmark-csv.ts';

/** Its tests by the names that we have for them. */
const tests: ReadonlyMap<string, string> = new Map([
  // Its own `ping` is two tests; ours is the one command.
  ['ping', 'ping_mbulk'],
  ...[
    ...['ping_mbulk', 'ping_inline', 'set', 'get', 'incr', 'lpush', 'rpush', 'lpop', 'rpop', 'sadd', 'hset'],
    ...['spop', 'zadd', 'zpopmin', 'lrange_100', 'lrange_300', 'lrange_500', 'lrange_600', 'mset', 'xadd'],
  ].map((name) => [name, name] as const),
]);

/** Its clock counts ms: shorter runs are off by over 1 %. */
const exactAfterMs = 100;

/** valkey-benchmark, or redis-benchmark: key-value operations, no recall. */
export function valkeyBenchmarkProgram(binary: IdentifiedBinary): BenchmarkProgram {
  const argv = (config: BenchmarkConfig, cluster: boolean): string[] => [
    binary.path,
    ...valkeyBenchmarkArguments(config, { test: testOf(config), cluster, binary }),
  ];
  return {
    name: 'valkey-benchmark',
    binary: binary.path,
    version: `${binary.program} ${binary.version}`,
    countsErrors: false,
    supports: (operation) => tests.has(normalised(operation)),
    check(config) {
      // Neither reads VALKEYCLI_AUTH or REDISCLI_AUTH: seen in 8.0.1 and 8.0.2.
      refusePassword(config, binary.program, 'it takes them as arguments only, which all users can read');
      refuseSecretArguments(config);
      argv(config, config.cluster ?? false);
    },
    commandLine: (config) => argv(config, config.cluster ?? false),
    async measure(config, { facts, exec }) {
      const run = await exec(argv(config, config.cluster ?? facts.isCluster ?? false));
      checkEnd(run, binary.program);
      const { test, warnings } = choose(readCsv(run, binary.program), config, run);
      const thread = threadWarning(config);
      return { ...test, warnings: [...warnings, ...(thread ? [thread] : []), ...clockWarning(test, config)] };
    },
  };
}

function testOf({ operation }: BenchmarkConfig): string {
  const test = tests.get(normalised(operation));
  if (test !== undefined) return test;
  throw new UsageError('operation-not-supported', `valkey-benchmark has no test "${operation}".`);
}

/** @throws {BenchmarkError} error-replies, benchmark-failed. */
function checkEnd({ end, stderr, lastLines }: ProgramRun, program: string): void {
  if (end.state === 'exited' && end.exitCode === 0) return;
  // It ends at the first error reply.
  const refused = /^Error from server: (.+)$/m.exec(stderr)?.[1];
  if (refused !== undefined)
    throw new BenchmarkError('error-replies', `${program} ended at an error reply: ${refused}`, {
      lastLines,
    });
  throw new BenchmarkError(
    'benchmark-failed',
    `${program} ended with ${endText(end)}. ${printedLast(lastLines)}`,
    { lastLines },
  );
}

/** The wanted test out of those that ran: `lrange_100` fills its list first, and that is a test too. */
function choose(
  found: readonly CsvTest[],
  config: BenchmarkConfig,
  { lastLines }: ProgramRun,
): { readonly test: Reading; readonly warnings: Reading['warnings'] } {
  const wanted = testOf(config);
  const match = found.find(({ name }) => name.toLowerCase().replace(/ \(.*$/, '') === wanted);
  if (match !== undefined) return { test: { ...silent, ...match }, warnings: [] };
  const [only] = found;
  if (found.length === 1 && only !== undefined && config.extraArgs.length > 0)
    return {
      test: { ...silent, ...only },
      warnings: [
        {
          code: 'other-test',
          message: `What was measured is "${only.name}", as the driver's arguments say, and not ${config.operation}.`,
        },
      ],
    };
  throw new ParseError(
    'no-result',
    `Expected a result of ${wanted}, got ${found.map(({ name }) => `"${name}"`).join(', ') || 'none'}: this version may not have that test.`,
    { lastLines },
  );
}

function clockWarning(test: Reading, { numRequests, durationMs }: BenchmarkConfig): Reading['warnings'] {
  const tookMs = durationMs ?? (numRequests / test.qps) * 1000;
  if (tookMs >= exactAfterMs) return [];
  return [
    {
      code: 'coarse-duration',
      message: `The run took ${tookMs.toFixed(0)} ms by a clock of 1 ms: its rate may be ${Math.ceil(100 / Math.max(tookMs, 1))} % off. Ask for more requests.`,
    },
  ];
}
