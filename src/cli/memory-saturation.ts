import { Command } from 'commander';
import { UsageError } from '../error.ts';
import {
  checkOwnKeyOperation,
  saturateMemory,
  type MemoryEvent,
  type MemoryStep,
} from '../experiment/memory-saturation.ts';
import { parseBytes } from '../experiment/setting-value.ts';
import { stageOfTrial } from '../experiment/stage-of-trial.ts';
import { resultData } from '../experiment/trial-data.ts';
import { addBenchFlags, type BenchFlags } from './bench-flags.ts';
import { addressOf, toBaseConfig } from './bench-options.ts';
import { bytes } from './bytes.ts';
import { narrowFlags, runStepCommand, type StepPlan } from './step-run.ts';
import { printable, table } from './text.ts';

interface Flags extends BenchFlags {
  readonly steps: string;
  readonly maxmemory?: string;
  readonly policy?: string;
}

const DEFAULTS = { operation: 'set', dataSize: 1_024, durationMs: 2_000 } as const;

const EXAMPLES = `
Examples:
  stagewatch memory-saturation --maxmemory 512mb --policy allkeys-lru
  stagewatch memory-saturation --maxmemory 256mb --policy noeviction -t get:0.8,set:0.2 --steps 80,90,95,100
  stagewatch memory-saturation --maxmemory 1gb --collect-perf --watch 'set:mem_100'
`;

/** For `--dry-run`: the prefix is another one in each run. */
const SHOWN_PREFIX = 'stagewatch:memory:ID:';

const MEANINGS = {
  '--operation': 'get, set (default), or a mix: get:0.8,set:0.2',
  '--data-size': 'size of a value (1024)',
  '--num-requests': 'requests at each step, instead of --duration',
  '--duration': 'length of each run (2 s)',
  '--json': 'all steps as JSON, to standard output or a file',
  '--output': 'every step as a row of CSV',
  '--yes': 'fill a server that is not on loopback, or not empty',
} as const;
const MEANINGLESS = [
  '--dataset',
  '--ef-search',
  '--k',
  '--search-index',
  '--search-prefix',
  '--search-vector-field',
];

const flagged = addBenchFlags(
  new Command('memory-saturation')
    .summary('fill a server up to its maxmemory, and measure on the way')
    .description(
      'Fills a server in steps up to its maxmemory with keys of its own, and at each ' +
        'step measures the operation and what the server did: evictions, OOM errors, ' +
        'fragmentation, memory. Removes its keys and puts the settings back.',
    )
    .optionsGroup('Memory:')
    .option('--steps <percents>', 'levels to measure at, of maxmemory', '50,75,90,100')
    .option('--maxmemory <bytes>', 'the limit meanwhile, like 512mb; needed where the server has none')
    .option('--policy <name>', 'maxmemory-policy meanwhile: noeviction, allkeys-lru, ...'),
);

export const command = narrowFlags(flagged, MEANINGS, MEANINGLESS)
  .addHelpText('after', EXAMPLES)
  .action((_: Flags, command: Command) => runStepCommand<Flags, MemoryStep>(command, planOf));

async function planOf(flags: Flags): Promise<StepPlan<MemoryStep>> {
  const percents = toPercents(flags.steps);
  const operation = flags.operation ?? DEFAULTS.operation;
  checkOwnKeyOperation(operation);
  const given = await toBaseConfig({ ...flags, operation }, process.env);
  const base = given.with({
    ...(flags.dataSize === undefined && { dataSize: DEFAULTS.dataSize }),
    ...(flags.numRequests === undefined &&
      flags.duration === undefined && { durationMs: DEFAULTS.durationMs }),
    serverConfig: {
      ...given.serverConfig,
      ...(flags.maxmemory !== undefined && { maxmemory: toBytes(flags.maxmemory) }),
      ...(flags.policy !== undefined && { 'maxmemory-policy': flags.policy }),
    },
  });
  return {
    base,
    asked: `${operation} at ${percents.join(', ')} % of maxmemory`,
    question: { percents },
    runs: percents.map((percent) => ({
      stage: `${stageOfTrial(base, []).name}:mem_${percent}`,
      config: base.with({ extraArgs: [...base.extraArgs, '--key-prefix', SHOWN_PREFIX] }),
    })),
    measure: (options, room, { progress, point }) =>
      saturateMemory(
        { ...options, address: addressOf(base), base, percents, yes: flags.yes ?? false },
        room,
        (event) => (event.type === 'step' ? point(event.step) : progress(fillingText(event))),
      ),
    stateOf: ({ state }) => (state === 'failed' || state === 'skipped' ? state : 'ended'),
    line: lineOf,
    table: tableOf,
    columns: COLUMNS,
    data: (step) => (step.state === 'measured' ? { ...step, result: resultData(step.result) } : { ...step }),
  };
}

function toPercents(text: string): number[] {
  const percents = text.split(',').map((part) => Number(part.trim().replace(/%$/, '')));
  const isGood = percents.every(
    (percent, i) => percent > 0 && percent <= 100 && (i === 0 || percent > percents[i - 1]!),
  );
  if (isGood) return percents;
  throw new UsageError(
    'bad-steps',
    `Expected --steps to be rising percents of maxmemory up to 100, like 50,75,100, got "${text}".`,
  );
}

function toBytes(text: string): string {
  const size = parseBytes(text);
  if (size !== undefined && size > 0) return String(size);
  throw new UsageError('bad-maxmemory', `Expected --maxmemory to be bytes, or like 512mb, got "${text}".`);
}

function fillingText({ percent, targetBytes, facts }: MemoryEvent & { type: 'filling' }): string {
  return `filling up to ${percent} %: ${bytes(facts.usedBytes)} of ${bytes(targetBytes)}`;
}

function lineOf(step: MemoryStep): string {
  if (step.state === 'skipped') return `${step.stage}: left out: ${step.message}`;
  const { counts } = step;
  const ran =
    step.state === 'measured'
      ? `${count(step.result.qps)} req/s, p99 ${step.result.latencyP99.toFixed(3)} ms`
      : step.state === 'refused'
        ? 'every request was refused'
        : `failed: ${step.code}: ${printable(step.message.split('\n', 1)[0]!, 400)}`;
  return `${step.stage}: ${ran}, ${count(counts.evictedKeys)} keys evicted, ${count(counts.oomErrors)} OOM errors`;
}

const HEAD = [
  'stage',
  'memory',
  'keys',
  'QPS',
  'p50 ms',
  'p99 ms',
  'evicted',
  'OOM',
  'hits',
  'fragm.',
  'RSS',
];

function tableOf(steps: readonly MemoryStep[]): string {
  return table(
    HEAD,
    steps.map((step) => {
      if (step.state === 'skipped') return [step.stage, 'left out'];
      const { before, after, counts } = step;
      const result = step.state === 'measured' ? step.result : undefined;
      return [
        step.stage,
        `${((before.usedBytes / before.maxmemoryBytes) * 100).toFixed(1)} %`,
        count(step.keys),
        result ? count(result.qps) : step.state === 'refused' ? '0' : 'failed',
        result ? result.latencyP50.toFixed(3) : '-',
        result ? result.latencyP99.toFixed(3) : '-',
        count(counts.evictedKeys),
        count(counts.oomErrors),
        counts.hitRate === null ? '-' : `${(counts.hitRate * 100).toFixed(1)} %`,
        after.fragmentationRatio === null ? '-' : after.fragmentationRatio.toFixed(2),
        bytes(after.rssBytes),
      ];
    }),
  );
}

type Ran = Exclude<MemoryStep, { readonly state: 'skipped' }>;
const ifRan =
  (of: (step: Ran) => string | number | null) =>
  (step: MemoryStep): string | number | null =>
    step.state === 'skipped' ? null : of(step);
const ifMeasured = (of: (step: MemoryStep & { state: 'measured' }) => number) =>
  ifRan((step) => (step.state === 'measured' ? of(step) : null));

const COLUMNS: StepPlan<MemoryStep>['columns'] = [
  ['stage', ({ stage }) => stage],
  ['percent', ({ percent }) => percent],
  ['state', ({ state }) => state],
  ['used_bytes', ifRan(({ before }) => before.usedBytes)],
  ['maxmemory_bytes', ifRan(({ before }) => before.maxmemoryBytes)],
  ['policy', ifRan(({ before }) => before.policy)],
  ['keys', ifRan(({ keys }) => keys)],
  ['qps', ifMeasured(({ result }) => result.qps)],
  ['latency_avg', ifMeasured(({ result }) => result.latencyAvg)],
  ['latency_p50', ifMeasured(({ result }) => result.latencyP50)],
  ['latency_p95', ifMeasured(({ result }) => result.latencyP95)],
  ['latency_p99', ifMeasured(({ result }) => result.latencyP99)],
  ['latency_max', ifMeasured(({ result }) => result.latencyMax)],
  ['evicted_keys', ifRan(({ counts }) => counts.evictedKeys)],
  ['oom_errors', ifRan(({ counts }) => counts.oomErrors)],
  ['hit_rate', ifRan(({ counts }) => counts.hitRate)],
  ['fragmentation_ratio', ifRan(({ after }) => after.fragmentationRatio)],
  ['rss_bytes', ifRan(({ after }) => after.rssBytes)],
];

const count = (value: number): string => Math.round(value).toLocaleString('en-US');
