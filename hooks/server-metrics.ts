import {
  askedBetween,
  available,
  ControlClient,
  credentialsOf,
  defineHook,
  type EndedSpan,
  type HookContext,
  Secret,
  type ServerAddress,
  type ServerSummary,
  type Snapshot,
  SnapshotTaker,
  type Span,
  type SpanId,
  stageLabel,
  StagewatchError,
  startSteadyTimer,
  summariseSnapshots,
  type Target,
  unavailable,
  z,
} from 'stagewatch/hook';

const options = z.object({
  host: z.string().min(1).default('127.0.0.1').describe('where the server is asked'),
  port: z.number().int().min(1).max(65_535).optional().describe("TCP port; the target's own without"),
  socket: z.string().min(1).optional().describe('path of a Unix socket, instead of host and port'),
  user: z.string().min(1).optional().describe('ACL user'),
  password: z
    .string()
    .min(1)
    .transform((text) => new Secret(text))
    .optional()
    .describe('better in VALKEYCLI_AUTH or REDISCLI_AUTH: profiles and command lines are read by others'),
  tls: z.boolean().default(false).describe('speak TLS'),
  tlsCa: z.string().optional().describe('PEM file of the authority'),
  tlsCert: z.string().optional().describe('PEM file of the client certificate'),
  tlsKey: z.string().optional().describe('PEM file of its key'),
  tlsSni: z.string().optional().describe('name to check the certificate against'),
  tlsSkipVerify: z.boolean().default(false).describe('take any certificate'),
  hz: z.number().min(0).max(10).default(1).describe('samples a second, besides both edges of spans; 0: none'),
});
type Context = HookContext<z.infer<typeof options>, Target>;

/** The slot gives up after 2 s: before that a busy server is told, and its next spans are still asked. */
const patienceMs = 1_500;

export default defineHook({
  name: 'server-metrics',
  description: 'INFO of the server as differences over each span: commands, latency, CPU per command, memory',
  options,
  target: 'required',

  probe: async ({ target, options }) => {
    const address = addressOf(target, options);
    if (address === undefined)
      return unavailable(
        `${target.program} (PID ${target.pid}) listens on no TCP port`,
        'say where it is asked: --hook server-metrics,socket=PATH or port=PORT',
      );
    await using client = new ControlClient(address);
    try {
      await new SnapshotTaker(client).sample();
      return available;
    } catch (error) {
      return unavailable(`INFO cannot be had: ${error instanceof Error ? error.message : String(error)}`);
    }
  },

  arm: async (ctx) => {
    const client = new ControlClient(addressOf(ctx.target, ctx.options)!);
    const taker = new SnapshotTaker(client);
    // The first one loads the client, and finds the search indexes.
    await taker.take();
    const sampling = ctx.options.hz > 0 ? startSampling(ctx, taker) : undefined;
    const starts = new Map<SpanId, Promise<Snapshot | undefined>>();
    // Snapshots are large, and spans may wait long to be collected.
    const summaries = new Map<SpanId, Promise<ServerSummary | undefined>>();

    return {
      start: async (span) => {
        const snapshot = settle(ctx, span, taker.take());
        starts.set(span.id, snapshot);
        await patience(ctx, span, snapshot);
      },
      stop: async (span) => {
        const snapshot = settle(ctx, span, taker.take());
        const before = starts.get(span.id);
        starts.delete(span.id);
        summaries.set(span.id, summarise(before, snapshot));
        await patience(ctx, span, snapshot);
      },
      collect: async (spans, out) => {
        const artifacts = spans.map(async (span) => {
          const summary = await summaries.get(span.id);
          summaries.delete(span.id);
          if (summary === undefined) return [];
          tell(ctx, span, summary);
          return [await out.of(span).writeJson('server.json', { stage: stageLabel(span.stage), ...summary })];
        });
        return (await Promise.all(artifacts)).flat();
      },
      [Symbol.asyncDispose]: async () => {
        sampling?.[Symbol.dispose]();
        // Also ends the wait for what was not answered.
        await client[Symbol.asyncDispose]();
      },
    };
  },
});

/** Undefined where nobody says where the server is asked. */
function addressOf(target: Target, options: Context['options']): ServerAddress | undefined {
  const { host, socket, user, password, tls, tlsCa, tlsCert, tlsKey, tlsSni, tlsSkipVerify } = options;
  const port = options.port ?? target.port;
  if (port === undefined && socket === undefined) return undefined;
  return {
    host,
    port: port ?? 0,
    ...(socket !== undefined && { socket }),
    ...credentialsOf({ ...(user !== undefined && { user }), ...(password && { password }) }),
    ...(tls && {
      tls: {
        skipVerify: tlsSkipVerify,
        ...(tlsCa !== undefined && { ca: tlsCa }),
        ...(tlsCert !== undefined && { cert: tlsCert }),
        ...(tlsKey !== undefined && { key: tlsKey }),
        ...(tlsSni !== undefined && { sni: tlsSni }),
      },
    }),
  };
}

/** A server that cannot be asked now may be asked for the next span: one line, and no figures for this one. */
async function settle(
  { target, warn }: Context,
  span: Span,
  snapshot: Promise<Snapshot>,
): Promise<Snapshot | undefined> {
  try {
    return await snapshot;
  } catch (error) {
    if (!target.isAlive()) return undefined;
    const reason = error instanceof Error ? error.message : String(error);
    const code = error instanceof StagewatchError ? error.code : 'server-not-asked';
    warn({ code, message: `${stageLabel(span.stage)}: no INFO: ${reason}`, span, fails: true });
    return undefined;
  }
}

async function patience(
  { target, warn }: Context,
  span: Span,
  snapshot: Promise<Snapshot | undefined>,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => (timer = setTimeout(resolve, patienceMs, 'late')));
  if ((await Promise.race([snapshot, late])) === 'late')
    warn({
      code: 'server-busy',
      message: `${stageLabel(span.stage)}: ${target.id} did not answer INFO within ${patienceMs / 1000} s; its figures are those of when it does`,
      span,
    });
  clearTimeout(timer);
}

async function summarise(
  before: Promise<Snapshot | undefined> | undefined,
  after: Promise<Snapshot | undefined>,
): Promise<ServerSummary | undefined> {
  const [start, end] = await Promise.all([before, after]);
  return start && end && summariseSnapshots(start, end);
}

function tell(
  { target, warn, facts }: Context,
  span: EndedSpan,
  { state, commands, cpu }: ServerSummary,
): void {
  if (state !== 'whole')
    warn({
      code: 'counters-reset',
      span,
      message: `${stageLabel(span.stage)}: ${
        state === 'reset' ? `the statistics of ${target.id} were reset` : `${target.id} was restarted`
      } in this stage: what is counted begins there`,
    });
  facts(span, {
    counters: state,
    commands: commands.processed,
    commandsPerSecond: commands.perSecond,
    cpuUsPerCommand: cpu.usPerCommand,
    mainThreadCpuUsPerCommand: cpu.mainThreadUsPerCommand,
  });
}

/** A busy server is asked once at a time; what it cannot answer now leaves a gap. */
function startSampling({ options, samples }: Context, taker: SnapshotTaker): Disposable {
  let before: Awaited<ReturnType<SnapshotTaker['sample']>> | undefined;
  let asking = false;
  const sample = async (): Promise<void> => {
    const now = await taker.sample();
    if (before) samples.append(rates(before, now));
    before = now;
  };
  return startSteadyTimer(1_000 / options.hz, () => {
    if (asking) return;
    asking = true;
    void sample()
      .catch(() => (before = undefined))
      .finally(() => (asking = false));
  });
}

type Sample = Pick<Snapshot, 'info' | 'askedBefore'>;

function rates(before: Sample, now: Sample): Record<string, unknown> {
  const between = (field: string): number =>
    Math.max(0, (now.info.number(field) ?? 0) - (before.info.number(field) ?? 0));
  const own = [...askedBetween(before, now).values()].reduce((sum, count) => sum + count, 0);
  const seconds = between('server_time_usec') / 1e6;
  const each = (count: number): number | null => (seconds > 0 ? Math.round(count / seconds) : null);
  const [hits, misses] = [between('keyspace_hits'), between('keyspace_misses')];
  return {
    intervalMs: Math.round(seconds * 1_000),
    server: {
      commandsPerSecond: each(Math.max(0, between('total_commands_processed') - own)),
      inputBytesPerSecond: each(between('total_net_input_bytes')),
      outputBytesPerSecond: each(between('total_net_output_bytes')),
      usedMemoryBytes: now.info.number('used_memory') ?? null,
      rssBytes: now.info.number('used_memory_rss') ?? null,
      clients: now.info.number('connected_clients') ?? null,
      blockedClients: now.info.number('blocked_clients') ?? null,
      hitRate: hits + misses > 0 ? hits / (hits + misses) : null,
      evictedKeysPerSecond: each(between('evicted_keys')),
      expiredKeysPerSecond: each(between('expired_keys')),
    },
  };
}
