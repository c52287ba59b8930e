import { Command } from 'commander';
import type { BenchmarkConfig } from '../bench/config.ts';
import { detectDatasetInfo, generateSearchPrefix } from '../bench/dataset/names.ts';
import { UsageError } from '../error.ts';
import { measurePayloads, type Payload, type PayloadPoint } from '../experiment/payload-impact.ts';
import { parseBytes } from '../experiment/setting-value.ts';
import { resultData } from '../experiment/trial-data.ts';
import { addBenchFlags, type BenchFlags } from './bench-flags.ts';
import { addressOf, toBaseConfig } from './bench-options.ts';
import { bytes } from './bytes.ts';
import { integer } from './flags.ts';
import { narrowFlags, runStepCommand, type StepPlan } from './step-run.ts';
import { printable, table } from './text.ts';

interface Flags extends BenchFlags {
  readonly sizes?: string;
  readonly keys?: number;
}

const DEFAULTS = { operation: 'set,get', sizes: '16,64,256,1kb,4kb,16kb', keys: 10_000, durationMs: 2_000 };
const MAX_BYTES = 512 * 1024 * 1024;

const EXAMPLES = `
Examples:
  stagewatch payload-impact
  stagewatch payload-impact -t get --sizes 100,1kb,10kb,100kb --keys 2000 -c 50 --collect-perf
  stagewatch payload-impact -t vec-query --dataset c10k
`;

/** For `--dry-run`: the prefix is another one in each run. */
const SHOWN_PREFIX = 'stagewatch:payload:ID:';

const MEANINGS = {
  '--operation': 'set,get (default), set, get, or vec-query: replies without and with content',
  '--num-requests': 'requests of each run, instead of --duration',
  '--duration': 'length of each run (2 s)',
  '--json': 'all points as JSON, to standard output or a file',
  '--output': 'every point as a row of CSV',
} as const;

const flagged = addBenchFlags(
  new Command('payload-impact')
    .summary('measure what the size of values, or replies with content, costs')
    .description(
      'Measures the same operation with values of several sizes (set, get), or vector ' +
        'replies without and with content (vec-query): QPS, p99, bytes a second, memory ' +
        'of a key. Keys that it writes are its own, and removed.',
    )
    .optionsGroup('Payload:')
    .option('--sizes <list>', `sizes of a value (${DEFAULTS.sizes})`)
    .option('--keys <n>', `keys of each size (${DEFAULTS.keys})`, integer(1, 1e9)),
);

export const command = narrowFlags(flagged, MEANINGS, ['--data-size'])
  .addHelpText('after', EXAMPLES)
  .action((_: Flags, command: Command) => runStepCommand<Flags, PayloadPoint>(command, planOf));

async function planOf(flags: Flags): Promise<StepPlan<PayloadPoint>> {
  if (flags.dataSize !== undefined)
    throw new UsageError('data-size', 'Expected --sizes with payload-impact, got -d.');
  const operation = (flags.operation ?? DEFAULTS.operation).toLowerCase();
  const isVector = operation === 'vec-query';
  const operations = isVector ? [] : toOperations(operation);
  const given = await toBaseConfig(
    { ...flags, operation: isVector ? operation : operations[0]! },
    process.env,
  );
  const base =
    flags.numRequests === undefined && flags.duration === undefined
      ? given.with({ durationMs: DEFAULTS.durationMs })
      : given;
  const payload: Payload = isVector
    ? { kind: 'content', prefix: await prefixOf(flags, base) }
    : {
        kind: 'values',
        operations,
        sizes: toSizes(flags.sizes ?? DEFAULTS.sizes),
        keys: flags.keys ?? DEFAULTS.keys,
      };
  return {
    base,
    asked:
      payload.kind === 'content'
        ? 'vec-query without and with content'
        : `${operations.join(' and ')} with values of ${payload.sizes.join(', ')} bytes, ${payload.keys} keys each`,
    question: { payload },
    runs:
      payload.kind === 'content'
        ? [false, true].map((content) => ({
            stage: `vec-query:${content ? 'content' : 'nocontent'}`,
            config: base.with({ noContent: !content }),
          }))
        : payload.sizes.flatMap((dataSize) =>
            payload.operations.map((one) => ({
              stage: `${one}:size_${dataSize}`,
              config: base.with({
                operation: one,
                dataSize,
                keyspace: payload.keys,
                extraArgs: [...base.extraArgs, '--key-prefix', SHOWN_PREFIX],
              }),
            })),
          ),
    measure: (options, room, { point }) =>
      measurePayloads({ ...options, address: addressOf(base), base, payload }, room, point),
    stateOf: ({ state }) => (state === 'failed' ? 'failed' : 'ended'),
    line: lineOf,
    table: tableOf,
    columns: COLUMNS,
    data: (point) =>
      point.state === 'measured'
        ? { ...point, result: resultData(point.result), ...ratesOf(point) }
        : { ...point, error: { code: point.error.code, message: point.error.message } },
  };
}

function toOperations(text: string): ('set' | 'get')[] {
  const names = text.split(',').map((name) => name.trim());
  const known = names.filter((name) => name === 'set' || name === 'get');
  if (known.length === names.length) return known;
  throw new UsageError(
    'bad-operation',
    `Expected --operation to be set, get, set,get or vec-query, got "${text}".`,
  );
}

function toSizes(text: string): number[] {
  const sizes = text.split(',').map((part) => parseBytes(part));
  const good = sizes.filter((size) => size !== undefined && size >= 1 && size <= MAX_BYTES) as number[];
  if (good.length === sizes.length) return good;
  throw new UsageError(
    'bad-sizes',
    `Expected --sizes to be bytes up to 512mb, like 16,1kb,16kb, got "${text}".`,
  );
}

/** What the keys of the index begin with, as the load has it. */
async function prefixOf({ sizes, keys }: Flags, { searchPrefix, dataset }: BenchmarkConfig): Promise<string> {
  if (sizes !== undefined || keys !== undefined)
    throw new UsageError(
      'bad-operation',
      'Expected no --sizes or --keys with vec-query: it queries what is there.',
    );
  return searchPrefix ?? generateSearchPrefix((await detectDatasetInfo(dataset!)).name);
}

function ratesOf({ bytes: counted, result }: PayloadPoint & { state: 'measured' }): {
  readonly bytesInPerSecond: number | null;
  readonly bytesOutPerSecond: number | null;
} {
  return {
    bytesInPerSecond: counted && counted.inPerRequest * result.qps,
    bytesOutPerSecond: counted && counted.outPerRequest * result.qps,
  };
}

function lineOf(point: PayloadPoint): string {
  if (point.state === 'failed')
    return `${point.stage}: failed: ${point.error.code}: ${printable(point.error.message.split('\n', 1)[0]!, 400)}`;
  const { result } = point;
  const recall = result.recallAvg === null ? '' : `, recall ${result.recallAvg.toFixed(4)}`;
  return `${point.stage}: ${count(result.qps)} req/s, p99 ${result.latencyP99.toFixed(3)} ms${recall}`;
}

const HEAD = ['stage', 'QPS', 'p50 ms', 'p99 ms', 'in/s', 'out/s', 'per request', 'per reply', 'per key'];

function tableOf(points: readonly PayloadPoint[]): string {
  return table(
    HEAD,
    points.map((point) => {
      if (point.state === 'failed') return [point.stage, 'failed'];
      const { result, bytes: counted, bytesPerKey } = point;
      const rates = ratesOf(point);
      const shown = (value: number | null | undefined): string =>
        value === null || value === undefined ? '-' : bytes(value);
      return [
        point.stage,
        count(result.qps),
        result.latencyP50.toFixed(3),
        result.latencyP99.toFixed(3),
        shown(rates.bytesInPerSecond),
        shown(rates.bytesOutPerSecond),
        shown(counted?.inPerRequest),
        shown(counted?.outPerRequest),
        shown(bytesPerKey),
      ];
    }),
  );
}

const ifMeasured =
  (of: (point: PayloadPoint & { state: 'measured' }) => number | null) =>
  (point: PayloadPoint): number | null =>
    point.state === 'measured' ? of(point) : null;

const COLUMNS: StepPlan<PayloadPoint>['columns'] = [
  ['stage', ({ stage }) => stage],
  ['operation', ({ operation }) => operation],
  ['value_bytes', ({ valueBytes }) => valueBytes],
  ['content', ({ content }) => (content === null ? null : Number(content))],
  ['state', ({ state }) => state],
  ['qps', ifMeasured(({ result }) => result.qps)],
  ['latency_avg', ifMeasured(({ result }) => result.latencyAvg)],
  ['latency_p50', ifMeasured(({ result }) => result.latencyP50)],
  ['latency_p95', ifMeasured(({ result }) => result.latencyP95)],
  ['latency_p99', ifMeasured(({ result }) => result.latencyP99)],
  ['latency_max', ifMeasured(({ result }) => result.latencyMax)],
  ['recall_avg', ifMeasured(({ result }) => result.recallAvg)],
  ['bytes_in_per_second', ifMeasured((point) => ratesOf(point).bytesInPerSecond)],
  ['bytes_out_per_second', ifMeasured((point) => ratesOf(point).bytesOutPerSecond)],
  ['bytes_per_request', ifMeasured(({ bytes: counted }) => counted && counted.inPerRequest)],
  ['bytes_per_reply', ifMeasured(({ bytes: counted }) => counted && counted.outPerRequest)],
  ['bytes_per_key', ({ bytesPerKey }) => bytesPerKey],
];

const count = (value: number): string => Math.round(value).toLocaleString('en-US');
