import { join } from 'node:path';
import {
  type Artifact,
  type ArtifactDirs,
  chooseEvent,
  defineHook,
  type EndedSpan,
  fallbackEvent,
  type FoldedSpan,
  foldRecordings,
  type FoldSummary,
  type HookContext,
  maximumFrequency,
  maySampleSystem,
  nothingCaptured,
  perfDataFiles,
  processCpuMs,
  type RecordScope,
  type SpanId,
  SpanRecorder,
  stageLabel,
  StagewatchError,
  type Target,
  z,
  perfAvailability,
} from 'stagewatch/hook';

const defaultEvent = 'cycles';

const options = z.object({
  event: z
    .string()
    .regex(/^[^\s,]+$/)
    .optional()
    .describe(
      `what a sample is taken of; default ${defaultEvent}, or cpu-clock where the machine cannot count them`,
    ),
  frequency: z.number().int().min(1).default(999).describe('samples a second and thread, Hz'),
  callGraph: z
    .enum(['fp', 'dwarf', 'lbr'])
    .default('fp')
    .describe('how stacks are found: frame pointers, debug information (costly), or branch records'),
  scope: z
    .enum(['auto', 'process', 'system'])
    .default('auto')
    .describe(
      "the target's threads, or all CPUs with the target's samples kept: threads that live shorter than a sampling period are seen in the second alone; auto: system for redis-server where perf may",
    ),
});

type Context = HookContext<z.infer<typeof options>, Target>;

/** What was recorded, and how; kept beside perf.data, for a session that is cut short. */
interface Recording {
  readonly event: string;
  readonly frequency: number;
  readonly callGraph: string;
  readonly scope: RecordScope;
}

/** Redis 8 starts a thread for each VSIM, which is over in less than a millisecond: such threads have no period of their own to end. */
const shortLivedThreads = new Set(['redis-server']);
/** CPU time from which a share of it that was not sampled is no chance, ms. */
const tellingCpuMs = 100;
const enoughShare = 0.7;
const failingShare = 0.4;

export default defineHook({
  name: 'perf-record',
  description: 'CPU profile: one armed perf a target, each sample given to the spans that contain its time',
  options,
  target: 'required',

  probe: ({ target }) => perfAvailability(target),

  arm: async (ctx) => {
    const { target } = ctx;
    const { recorder, recording } = await armRecorder(ctx);
    const cpuAtStart = new Map<SpanId, Promise<number | undefined>>();
    const cpuMs = new Map<SpanId, Promise<number | undefined>>();

    return {
      failed: recorder.failed,
      start: async (span) => {
        const started = recorder.start(span);
        cpuAtStart.set(span.id, processCpuMs(target));
        await started;
      },
      stop: async (span) => {
        const before = cpuAtStart.get(span.id);
        cpuAtStart.delete(span.id);
        if (before !== undefined) cpuMs.set(span.id, differenceOf(before, processCpuMs(target)));
        await recorder.stop();
      },
      finish: () => recorder.finish(),
      collect: async (spans, out) => {
        const files = await recorder.filesOf(spans);
        const artifacts = await foldSpans(ctx, recording, files, spans, out, ({ id }) => cpuMs.get(id));
        recorder.forget(spans);
        for (const { id } of spans) cpuMs.delete(id);
        return artifacts;
      },
      [Symbol.asyncDispose]: () => recorder[Symbol.asyncDispose](),
    };
  },

  recover: async (ctx, spans, out) => {
    const file = join(ctx.dir.path, 'perf-record.json');
    const recording = (await ctx.target
      .readFile(file)
      .then(JSON.parse)
      .catch(() => ({ event: 'unknown', ...ctx.options, scope: 'process' }))) as Recording;
    return foldSpans(ctx, recording, await perfDataFiles(ctx.target, ctx.dir.path), spans, out);
  },
});

async function armRecorder(ctx: Context): Promise<{ recorder: SpanRecorder; recording: Recording }> {
  const { target, options, dir, warn } = ctx;
  const [event, limit] = await Promise.all([
    chooseEvent(target, options.event ?? defaultEvent),
    maximumFrequency(target),
  ]);
  const frequency = Math.min(options.frequency, limit);
  if (frequency < options.frequency)
    warn({
      code: 'frequency-limited',
      message: `${options.frequency} Hz is more than the kernel allows: sampling at ${limit} Hz (sysctl kernel.perf_event_max_sample_rate)`,
    });
  const { callGraph } = options;
  const scope = await chooseScope(ctx);
  // perf makes the file, so the folder must be there: this makes it.
  await dir.writeJson('perf-record.json', { version: 1, event, frequency, callGraph, scope });
  const recorder = await SpanRecorder.arm(target, {
    // Idle CPUs are nobody's time, and a timer on each of them would keep them awake.
    event: scope === 'system' && event === fallbackEvent ? `${event}:I` : event,
    frequency,
    callGraph,
    scope,
    folder: dir.path,
  });
  const recording = { event: recorder.event.replace(/^(cpu-clock):I$/, '$1'), frequency, callGraph, scope };
  await dir.writeJson('perf-record.json', { version: 1, ...recording });
  if (options.event !== undefined && bare(recorder.event) !== bare(options.event))
    warn({
      code: 'event-fallback',
      message: `${options.event} cannot be counted on ${target.name}: ${recorder.event} is recorded instead`,
    });
  if (isUserOnly(recorder.event) && !isUserOnly(event))
    warn({
      code: 'user-space-only',
      message: `${recorder.event} is recorded: without the kernel, which perf may not look into here; run as root, or: sysctl kernel.perf_event_paranoid=1`,
    });
  return { recorder, recording };
}

/** @throws StagewatchError `scope-refused`, where all CPUs were asked for and perf may not. */
async function chooseScope({ target, options }: Context): Promise<RecordScope> {
  if (options.scope === 'process' || (options.scope === 'auto' && !shortLivedThreads.has(target.program)))
    return 'process';
  if (await maySampleSystem(target)) return 'system';
  if (options.scope === 'auto') return 'process'; // what is missing then is told of each span
  throw new StagewatchError(
    'scope-refused',
    'perf may not sample all CPUs here: run as root, or: sysctl kernel.perf_event_paranoid=0; or take scope=process',
  );
}

async function foldSpans(
  ctx: Context,
  recording: Recording,
  perfData: readonly string[],
  spans: readonly EndedSpan[],
  out: ArtifactDirs,
  cpuMsOf: (span: EndedSpan) => Promise<number | undefined> | undefined = () => undefined,
): Promise<Artifact[]> {
  const summary = await foldRecordings(ctx, {
    perfData,
    spans,
    ofAll: recording.scope === 'system',
    foldedPath: (span) => join(out.of(span).path, 'stacks.folded'),
  });
  tellLosses(ctx, summary);
  const artifacts: Artifact[] = [];
  for (const span of spans) {
    const folded = summary.of(span);
    if (folded === undefined) continue;
    const { samples, lost, firstSampleMs, lastSampleMs, unresolvedShare, perfData } = folded;
    const cpuMs = await cpuMsOf(span);
    // As it is called in the session's folder, which may have moved.
    const only = recording.scope === 'system' ? ['--pid', String(ctx.target.pid)] : [];
    const reportCommand = perfData && [
      ...['perf', 'report', '-i', perfData, '--time', timeRange(span)],
      ...only,
    ];
    ctx.facts(span, {
      ...recording,
      ...{ samples, lost, firstSampleMs, lastSampleMs, unresolvedShare, perfData, reportCommand },
      ...(cpuMs !== undefined && { cpuMs }),
    });
    tellCapture(ctx, recording, span, folded, cpuMs);
    if (samples > 0) artifacts.push(await out.of(span).existing('stacks.folded'));
  }
  return artifacts;
}

/** As perf's --time takes it. */
function timeRange({ startNs, endNs }: EndedSpan): string {
  const seconds = (ns: bigint): string =>
    `${ns / 1_000_000_000n}.${String(ns % 1_000_000_000n).padStart(9, '0')}`;
  return `${seconds(startNs)},${seconds(endNs)}`;
}

function tellCapture(
  ctx: Context,
  recording: Recording,
  span: EndedSpan,
  folded: FoldedSpan,
  cpuMs: number | undefined,
): void {
  const stage = stageLabel(span.stage);
  if (folded.lost > 0)
    ctx.warn({
      code: 'samples-lost',
      span,
      message: `${stage}: perf lost ${folded.lost} records beside ${folded.samples} samples; a lower frequency helps`,
    });
  if (folded.samples > 0) return tellShare(ctx, recording, span, folded, cpuMs);
  const { program } = ctx.target;
  const why =
    cpuMs === 0
      ? `${program} used no CPU`
      : `${cpuMs === undefined ? 'perf recorded nothing' : `though ${program} used ${cpuMs} ms of CPU`}; is perf restricted here (kernel.perf_event_paranoid, seccomp)?`;
  ctx.warn(nothingCaptured(span, `${stage}: no sample in ${span.durationMs.toFixed(0)} ms: ${why}`));
}

/** Where a sample is a share of a second, the samples of a span must add up to the CPU time that it took. */
function tellShare(
  ctx: Context,
  { event, frequency, scope }: Recording,
  span: EndedSpan,
  { samples }: FoldedSpan,
  cpuMs: number | undefined,
): void {
  if (bare(event) !== fallbackEvent || cpuMs === undefined || cpuMs < tellingCpuMs) return;
  const share = (samples * 1_000) / frequency / cpuMs;
  if (share >= enoughShare || isUserOnly(event)) return;
  const mend =
    scope === 'process'
      ? 'threads that live shorter than a sample are not seen: --hook perf-record,scope=system sees them'
      : 'the kernel may have lowered the frequency: sysctl kernel.perf_cpu_time_max_percent=0';
  ctx.warn({
    code: 'under-sampled',
    span,
    message: `${stageLabel(span.stage)}: ${samples} samples for ${cpuMs} ms of CPU time: ${(100 * share).toFixed(0)} % of it was seen; ${mend}`,
    fails: share < failingShare,
  });
}

function tellLosses(ctx: Context, { truncated, lost, spans, samples }: FoldSummary): void {
  if (truncated > 0)
    ctx.warn({
      code: 'stacks-truncated',
      message: `${truncated} frames were left out: too many different stacks`,
    });
  // What perf cannot date belongs to no span, but to all of this recording.
  if (lost > 0 && spans.every((span) => span.lost === 0))
    ctx.warn({
      code: 'samples-lost',
      message: `perf lost ${lost} records beside ${samples} samples; a lower frequency, or fp call graphs, help`,
    });
}

async function differenceOf(
  before: Promise<number | undefined>,
  after: Promise<number | undefined>,
): Promise<number | undefined> {
  const [from, to] = await Promise.all([before, after]);
  return from === undefined || to === undefined ? undefined : to - from;
}

/** Modifiers stand after a colon; a tracepoint's name may hold one too. */
function isUserOnly(event: string): boolean {
  return /:[a-zA-Z]*u[a-zA-Z]*$/.test(event) && !/:[a-zA-Z]*k[a-zA-Z]*$/.test(event);
}

/** Without its modifiers: `cycles` of `cycles:u`. */
function bare(event: string): string {
  return event.split(':', 1)[0] ?? event;
}
