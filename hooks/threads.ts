import {
  type Artifact,
  available,
  cpuMsOf,
  defineHook,
  type PoolUse,
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
 * Reading takes 60 µs a thread. Between samples lies this many times what the last one took: a server of hundreds of
 * threads costs 1 % of a core too, and is sampled less often.
 */
const restPerWork = 100;

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
    let notBeforeMs = 0;
    const sample = async (): Promise<void> => {
      const beganMs = performance.now();
      if (beganMs < notBeforeMs) return;
      const now = await files.read();
      const tookMs = performance.now() - beganMs;
      notBeforeMs = beganMs + restPerWork * tookMs;
      const { pools, durationMs } = usedBetween(latest, now, target);
      latest = now;
      if (pools.length > 0)
        samples.append({ intervalMs: round(durationMs), pools: percents(pools, durationMs) });
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

/** By pool: CPU time over the interval; 100 is one core. */
function percents(pools: readonly PoolUse[], durationMs: number): Record<string, { cpuPercent: number }> {
  return Object.fromEntries(
    pools.map((use) => [use.pool, { cpuPercent: round((100 * cpuMsOf(use)) / durationMs) }]),
  );
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
