import {
  type Artifact,
  available,
  cpuMsOf,
  defineHook,
  type ProcessTimes,
  type SpanId,
  startSteadyTimer,
  ThreadFiles,
  unavailable,
  usedBetween,
  z,
} from 'stagewatch/hook';

const options = z.object({
  hz: z.number().min(0).max(20).default(4).describe('samples of each pool per second; 0 for none'),
});

/**
 * Reading takes 70 µs of CPU a thread: so long between samples for each of them holds it below 1 % of a core. A server of
 * hundreds of threads is sampled less often.
 */
const restMsPerThread = 7;

const earlyMs = 5;

/** What threads used that came or went between two samples: only the process remembers it. */
const endedPool = 'ended threads';

export default defineHook({
  name: 'threads',
  description: 'CPU time, run-queue wait and context switches of each server thread and pool, from /proc',
  options,
  target: 'required',

  probe: async ({ target }) =>
    (await target.canRead(`/proc/${target.pid}/task/${target.pid}/stat`))
      ? available
      : unavailable(
          `no access to /proc/${target.pid}/task on ${target.name}`,
          'mount /proc without hidepid, or run as root',
        ),

  arm: async ({ target, options: { hz }, facts, samples }) => {
    const files = new ThreadFiles(target);
    // Opens the files, so that the first start only reads.
    let latest = await files.read();
    let hasEnded = false;
    const sample = async (): Promise<void> => {
      // The timer's own grid is kept: a call that is a little early is on time.
      const leastMs = restMsPerThread * latest.threads.size - earlyMs;
      if (Number(process.hrtime.bigint() - latest.atNs) / 1e6 < leastMs) return;
      const now = await files.read();
      const { pools, durationMs, endedThreadsMs } = usedBetween(latest, now, target);
      latest = now;
      if (pools.length === 0) return;
      hasEnded ||= endedThreadsMs > 0;
      const percent = (ms: number): { cpuPercent: number } => ({
        cpuPercent: round((100 * ms) / durationMs),
      });
      samples.append({
        intervalMs: round(durationMs),
        pools: {
          ...Object.fromEntries(pools.map((use) => [use.pool, percent(cpuMsOf(use))])),
          ...(hasEnded ? { [endedPool]: percent(endedThreadsMs) } : {}),
        },
      });
    };
    let sampling: Promise<void> = Promise.resolve();
    const timer =
      hz > 0 ? startSteadyTimer(1000 / hz, () => void (sampling = sampling.then(sample))) : undefined;
    const readings = new Map<SpanId, { readonly before: ProcessTimes; after?: ProcessTimes }>();
    return {
      start: async (span) => void readings.set(span.id, { before: await files.read() }),
      stop: async (span) => {
        const reading = readings.get(span.id);
        if (reading !== undefined) reading.after = await files.read();
      },
      collect: async (spans, out) => {
        const artifacts: Artifact[] = [];
        for (const span of spans) {
          const { before, after } = readings.get(span.id) ?? {};
          readings.delete(span.id);
          // The end of a span that the server did not live to see was never read.
          if (before === undefined || after === undefined) continue;
          const use = usedBetween(before, after, target);
          const cpuMs = use.threads.reduce((sum, thread) => sum + cpuMsOf(thread), use.endedThreadsMs);
          facts(span, { cpuMs, threads: use.threads.length });
          artifacts.push(await out.of(span).writeJson('threads.json', use));
        }
        return artifacts;
      },
      [Symbol.asyncDispose]: async () => {
        timer?.[Symbol.dispose]();
        await sampling;
        files[Symbol.dispose]();
      },
    };
  },
});

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
