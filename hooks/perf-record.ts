import { join } from 'node:path';
import {
  type Artifact,
  type ArtifactDirs,
  chooseEvent,
  defineHook,
  type EndedSpan,
  type FoldedSpan,
  foldRecordings,
  type FoldSummary,
  type HookContext,
  maximumFrequency,
  nothingCaptured,
  perfDataFiles,
  processCpuMs,
  type SpanId,
  SpanRecorder,
  stageLabel,
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
});

type Context = HookContext<z.infer<typeof options>, Target>;

/** What was recorded, and how; kept beside perf.data, for a session that is cut short. */
interface Recording {
  readonly event: string;
  readonly frequency: number;
  readonly callGraph: string;
}

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
      .catch(() => ({ event: 'unknown', ...ctx.options }))) as Recording;
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
  // perf makes the file, so the folder must be there: this makes it.
  await dir.writeJson('perf-record.json', { version: 1, event, frequency, callGraph });
  const recorder = await SpanRecorder.arm(target, { event, frequency, callGraph, folder: dir.path });
  const recording = { event: recorder.event, frequency, callGraph };
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
    const reportCommand = perfData && ['perf', 'report', '-i', perfData, '--time', timeRange(span)];
    ctx.facts(span, {
      ...recording,
      ...{ samples, lost, firstSampleMs, lastSampleMs, unresolvedShare, perfData, reportCommand },
      ...(cpuMs !== undefined && { cpuMs }),
    });
    tellCapture(ctx, span, folded, cpuMs);
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

function tellCapture(ctx: Context, span: EndedSpan, folded: FoldedSpan, cpuMs: number | undefined): void {
  const stage = stageLabel(span.stage);
  if (folded.lost > 0)
    ctx.warn({
      code: 'samples-lost',
      span,
      message: `${stage}: perf lost ${folded.lost} records beside ${folded.samples} samples; a lower frequency helps`,
    });
  if (folded.samples > 0) return;
  const { program } = ctx.target;
  const why =
    cpuMs === 0
      ? `${program} used no CPU`
      : `${cpuMs === undefined ? 'perf recorded nothing' : `though ${program} used ${cpuMs} ms of CPU`}; is perf restricted here (kernel.perf_event_paranoid, seccomp)?`;
  ctx.warn(nothingCaptured(span, `${stage}: no sample in ${span.durationMs.toFixed(0)} ms: ${why}`));
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
