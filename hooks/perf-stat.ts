import {
  type Artifact,
  type ArmedStat,
  canCount,
  countable,
  type Countable,
  defaultCounters,
  defineHook,
  type HookContext,
  ReadyStats,
  type SpanId,
  stageLabel,
  summariseCounts,
  type Target,
  topdownEvents,
  z,
  perfAvailability,
} from 'stagewatch/hook';

const options = z.object({
  events: z
    .string()
    .regex(/^[^\s;{}]+$/)
    .optional()
    .describe(`what is counted, as perf list names it, joined by +; default ${defaultCounters.join('+')}`),
  topdown: z.boolean().default(false).describe("where the pipeline's slots go, where the processor tells"),
});

type Context = HookContext<z.infer<typeof options>, Target>;

/** What one span's perf is doing, and has found. */
interface Counting {
  readonly stat: ArmedStat;
  /** Ids of threads that ran at its end. */
  tids?: Promise<readonly number[]>;
  counts?: ReturnType<ArmedStat['counts']>;
}

export default defineHook({
  name: 'perf-stat',
  description: 'counters of each span, of the server and of its thread pools',
  options,
  target: 'required',

  probe: ({ target }) => perfAvailability(target),

  arm: async (ctx) => {
    const { target } = ctx;
    const { events, limits } = await chooseEvents(ctx);
    const ready = await ReadyStats.arm(target, events);
    const counting = new Map<SpanId, Counting>();
    const tids = (): Promise<number[]> =>
      target.list(`/proc/${target.pid}/task`).then(
        (names) => names.map(Number),
        () => [],
      );

    return {
      failed: ready.failed,
      start: async (span) => {
        const stat = await ready.take();
        counting.set(span.id, { stat });
        await stat.enable();
      },
      stop: async (span) => {
        const own = counting.get(span.id);
        if (own === undefined) return;
        try {
          await own.stat.disable();
        } finally {
          // It prints at its end, which nobody needs to wait for here.
          own.counts = own.stat.counts();
          own.tids = tids();
          ready.returned();
        }
      },
      collect: async (spans, out) => {
        const artifacts: Artifact[] = [];
        for (const span of spans) {
          const own = counting.get(span.id);
          counting.delete(span.id);
          // A server that ended within the span ended its perf too, which then has printed what it counted.
          const counts = await (own?.counts ?? own?.stat.counts());
          if (counts === undefined) continue;
          if (counts.length === 0) {
            ctx.warn({
              code: 'nothing-counted',
              span,
              message: `${stageLabel(span.stage)}: perf stat printed no counts`,
              fails: true,
            });
            continue;
          }
          const counted = new Set(counts.map(({ tid }) => tid));
          const laterThreads = ((await own?.tids) ?? []).filter((tid) => !counted.has(tid));
          const { counters, derived, pools, threads } = summariseCounts(counts, target, span.durationMs);
          const content = { durationMs: span.durationMs, threads, counters, derived, pools };
          ctx.facts(span, { ...derived, notSupported: limits.notSupported.map(({ event }) => event) });
          artifacts.push(
            await out.of(span).writeJson('perf-stat.json', {
              ...content,
              ...limits,
              /** They count in the pool of whoever created them. */
              laterThreads,
            }),
          );
        }
        return artifacts;
      },
      [Symbol.asyncDispose]: async () => {
        await ready[Symbol.asyncDispose]();
        await Promise.all([...counting.values()].map(({ stat }) => stat[Symbol.asyncDispose]()));
      },
    };
  },
});

type Limits = Omit<Countable, 'events'> & { readonly topdown: string };

/** What can be counted there, and what cannot: told once, and in each artifact. */
async function chooseEvents({
  target,
  options,
  warn,
}: Context): Promise<{ events: string[]; limits: Limits }> {
  const asked = options.events?.split('+').filter((event) => event !== '');
  const { events, notSupported, doubtful } = await countable(target, asked ?? defaultCounters);
  const group = `{${topdownEvents.join(',')}}`;
  const hasTopdown = options.topdown && (await canCount(target, group));
  if (events.length === 0 && !hasTopdown)
    throw new Error(
      `none of the events can be counted on ${target.name}: ${notSupported.map(({ event, reason }) => `${event} (${reason})`).join(', ')}`,
    );
  // That a machine lacks some of our own choice is no news to anybody: the artifacts tell.
  if (notSupported.length > 0 && asked !== undefined)
    warn({
      code: 'events-not-supported',
      message: `not counted on ${target.name}: ${notSupported.map(({ event, reason }) => `${event}: ${reason}`).join('; ')}`,
    });
  if (doubtful.length > 0)
    warn({
      code: 'events-user-only',
      message: `without the right to look into the kernel (CAP_PERFMON, or kernel.perf_event_paranoid below 2): ${doubtful.map(({ event, reason }) => `${event}: ${reason}`).join('; ')}`,
    });
  const topdown = !options.topdown ? 'not asked for' : hasTopdown ? 'counted' : topdownLacks;
  if (options.topdown && !hasTopdown)
    warn({ code: 'topdown-unavailable', message: `topdown on ${target.name}: ${topdownLacks}` });
  return {
    events: hasTopdown ? [...events, group] : [...events],
    limits: { notSupported, doubtful, topdown },
  };
}

const topdownLacks = 'not supported: it needs the slots counter of an Intel processor since Ice Lake';
