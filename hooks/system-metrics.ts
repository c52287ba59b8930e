import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate as letOthersGo } from 'node:timers/promises';
import {
  available,
  defineHook,
  parseProcess,
  parseSystem,
  processBetween,
  processFiles,
  SpanSeries,
  stageLabel,
  startSteadyTimer,
  systemBetween,
  systemFiles,
  unavailable,
  z,
  type EndedSpan,
  type Host,
  type HookContext,
  type Numbers,
  type OpenFiles,
  type ProcessCounters,
  type SpanId,
  type SystemCounters,
  type TimedSample,
} from 'stagewatch/hook';

const options = z.object({
  hz: z
    .number()
    .min(0.1)
    .max(20)
    .default(4)
    .describe('samples per second, besides those at the edges of spans'),
});
type Options = z.infer<typeof options>;

/** Two samples are never closer: CPU time is counted in ticks of 10 ms, and a flood of spans must stay cheap. */
const closestMs = 5;

export default defineHook({
  name: 'system-metrics',
  description: 'CPU, memory, network, disk, pressure of the host; memory, faults, CPU of the server',
  options,
  target: 'optional',

  probe: async ({ host }) =>
    (await host.canRead('/proc/stat')) ? available : unavailable(`/proc/stat cannot be read on ${host.name}`),

  arm: async (ctx) => {
    const sampler = await startSampler(ctx);
    const open = new Map<SpanId, OpenSpan>();
    const ended = new Map<SpanId, SpanSeries>();
    sampler.onSample = (sample) => {
      for (const span of open.values()) feed(span, sample);
    };
    return {
      start: async (span) => {
        // A reading blocks for a millisecond: hooks that only write a command to their program go first.
        await letOthersGo();
        const sample = await sampler.sample();
        const series = new SpanSeries(Number(span.startNs), 1000 / ctx.options.hz);
        open.set(span.id, { series, fedNs: 0 });
        feed(open.get(span.id)!, sample);
      },
      stop: async (span) => {
        const last = open.get(span.id);
        if (last === undefined) return;
        open.delete(span.id);
        await letOthersGo();
        feed(last, await sampler.sample(), Number(span.endNs));
        ended.set(span.id, last.series);
        ctx.facts(span, factsOf(last.series));
      },
      collect: (spans, out) =>
        Promise.all(
          spans.flatMap((span) => {
            const series = ended.get(span.id);
            ended.delete(span.id);
            return series
              ? [out.of(span).writeJson('metrics.json', metricsOf(span, series, ctx.options))]
              : [];
          }),
        ),
      [Symbol.asyncDispose]: () => sampler[Symbol.asyncDispose](),
    };
  },

  recover: async (ctx, spans, out) => {
    const sums = spans.map((span) => ({
      span,
      series: new SpanSeries(Number(span.startNs), 1000 / ctx.options.hz),
      isOver: false,
    }));
    for await (const sample of readSamples(ctx)) {
      for (const sum of sums) {
        if (sum.isOver || sample.atNs < Number(sum.span.startNs) - closestMs * 1e6) continue;
        sum.series.add(sample, Number(sum.span.endNs));
        // That of the end marker came just after it.
        sum.isOver = sample.atNs >= Number(sum.span.endNs);
      }
    }
    return Promise.all(
      sums.map(({ span, series }) => {
        ctx.facts(span, factsOf(series));
        return out.of(span).writeJson('metrics.json', metricsOf(span, series, ctx.options));
      }),
    );
  },
});

interface OpenSpan {
  readonly series: SpanSeries;
  /** Time of the last sample that it got. */
  fedNs: number;
}

function feed(span: OpenSpan, sample: TimedSample, endNs?: number): void {
  if (sample.atNs <= span.fedNs) return;
  span.fedNs = sample.atNs;
  span.series.add(sample, endNs);
}

interface Sampler extends AsyncDisposable {
  onSample: (sample: TimedSample) => void;
  /** One that is at most closestMs old. */
  sample(): Promise<TimedSample>;
}

interface Reading {
  readonly atNs: number;
  readonly system: SystemCounters;
  readonly process: ProcessCounters | undefined;
}

async function startSampler(ctx: HookContext<Options>): Promise<Sampler> {
  const { host, target, samples } = ctx;
  const disks = new Set(await wholeDisks(host));
  const files = await host.openFiles([...systemFiles, ...(target ? processFiles(target.pid) : [])]);
  let before = await read(files);
  let latest: TimedSample = { atNs: before.atNs, intervalMs: 0, numbers: {} };
  let working: Promise<void> = Promise.resolve();

  const take = async (): Promise<void> => {
    if (Number(process.hrtime.bigint()) - latest.atNs < closestMs * 1e6) return;
    const now = await read(files);
    const intervalMs = (now.atNs - before.atNs) / 1e6;
    const sample = {
      ...systemBetween(before.system, now.system, intervalMs, (name) => disks.has(name)),
      ...(before.process && now.process
        ? { process: processBetween(before.process, now.process, intervalMs) }
        : {}),
    };
    before = now;
    latest = { atNs: now.atNs, intervalMs, numbers: sample as unknown as Numbers };
    samples.append({ intervalMs: Math.round(intervalMs * 1000) / 1000, ...sample });
    sampler.onSample(latest);
  };
  const sampler: Sampler = {
    onSample: () => {},
    sample: async () => {
      // One after the other: the timer and several spans may want one at the same time.
      working = working.then(take, take);
      await working;
      return latest;
    },
    [Symbol.asyncDispose]: async () => {
      timer[Symbol.dispose]();
      await working.catch(() => {});
      files[Symbol.dispose]();
    },
  };
  // The target may just have gone: that is told by who watches it. Anything else must be heard of, once.
  let told = false;
  const tell = (error: unknown): void => {
    if (told || ctx.target?.isAlive() === false) return;
    told = true;
    const message = error instanceof Error ? error.message : String(error);
    ctx.warn({ code: 'sample-failed', message: `a sample could not be taken: ${message}`, fails: true });
  };
  const timer = startSteadyTimer(1000 / ctx.options.hz, () => void sampler.sample().catch(tell));
  return sampler;
}

async function read(files: OpenFiles): Promise<Reading> {
  const texts = await files.read();
  return {
    atNs: Number(process.hrtime.bigint()),
    system: parseSystem(texts.slice(0, systemFiles.length)),
    process: parseProcess(texts.slice(systemFiles.length)),
  };
}

/** Neither partitions nor what only pretends to be a disk. */
async function wholeDisks(host: Host): Promise<string[]> {
  const names = await host.list('/sys/block').catch(() => []);
  return names.filter((name) => !/^(loop|ram|zram)\d/.test(name));
}

function factsOf(series: SpanSeries): Record<string, unknown> {
  return { samples: series.samples, rssMaxBytes: series.max('process.rssBytes') };
}

function metricsOf(span: EndedSpan, series: SpanSeries, { hz }: Options): object {
  const rssStartBytes = series.first('process.rssBytes');
  const cpuSeconds = (kind: string): number => round((series.total(`process.${kind}Percent`) ?? 0) / 100);
  const count = (kind: string): number => Math.round(series.total(`process.${kind}PerSecond`) ?? 0);
  return {
    stage: stageLabel(span.stage),
    durationMs: span.durationMs,
    hz,
    samples: series.samples,
    ...(rssStartBytes === undefined
      ? {}
      : {
          process: {
            rssStartBytes,
            rssEndBytes: series.last('process.rssBytes'),
            rssMaxBytes: series.max('process.rssBytes'),
            minorFaults: count('minorFaults'),
            majorFaults: count('majorFaults'),
            userSeconds: cpuSeconds('user'),
            systemSeconds: cpuSeconds('system'),
          },
        }),
    series: series.summary(),
  };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** Our lines of the session's metrics.ndjson, in order; a line that a crash cut short is left out. */
async function* readSamples({ dir, host, target }: HookContext<Options>): AsyncIterable<TimedSample> {
  // dir is <session>/targets/<target>.
  const input = createReadStream(join(dir.path, '../../metrics.ndjson')).on('error', () => lines.close());
  const lines = createInterface({ input, crlfDelay: Infinity });
  const name = target?.id ?? host.name;
  for await (const line of lines) {
    const sample = parseLine(line);
    if (sample?.hook !== 'system-metrics' || sample.target !== name) continue;
    const { monoNs, intervalMs, ...numbers } = sample;
    if (typeof monoNs === 'number' && typeof intervalMs === 'number')
      yield { atNs: monoNs, intervalMs, numbers: numbers as Numbers };
  }
}

function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
