import {
  type Artifact,
  available,
  cpuMsOf,
  defineHook,
  type ProcessTimes,
  type SpanId,
  ThreadFiles,
  unavailable,
  usedBetween,
  z,
} from 'stagewatch/hook';

export default defineHook({
  name: 'threads',
  description: 'CPU time, run-queue wait and context switches of each server thread and pool, from /proc',
  options: z.object({}),
  target: 'required',

  probe: async ({ target }) =>
    (await target.canRead(`/proc/${target.pid}/task/${target.pid}/stat`))
      ? available
      : unavailable(
          `no access to /proc/${target.pid}/task on ${target.name}`,
          'mount /proc without hidepid, or run as root',
        ),

  arm: async ({ target, facts }) => {
    const files = new ThreadFiles(target);
    // Opens the files, so that the first start only reads.
    await files.read();
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
      [Symbol.asyncDispose]: async () => files[Symbol.dispose](),
    };
  },
});
