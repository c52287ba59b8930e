import { join } from 'node:path';
import {
  type Artifact,
  type ArtifactDirs,
  available,
  capturesOfSpans,
  countable,
  defineHook,
  type EndedSpan,
  foldRecordings,
  type HookContext,
  nothingCaptured,
  perfDataFiles,
  renderFlamegraphs,
  SpanRecorder,
  stageLabel,
  type SwitchCapture,
  SwitchCaptures,
  type Target,
  unavailable,
  z,
  perfAvailability,
} from 'stagewatch/hook';

const event = 'context-switches';
const recordingName = 'offcpu.data';

const options = z.object({
  callGraph: z
    .enum(['fp', 'dwarf'])
    .default('fp')
    .describe('how stacks are found: frame pointers, or debug information (8 KiB a switch: costly)'),
});

type Context = HookContext<z.infer<typeof options>, Target>;

export default defineHook({
  name: 'off-cpu',
  description: 'where threads wait, and for how long: folded µs and a flame graph, from context switches',
  options,
  target: 'required',

  probe: async ({ target }) => {
    const availability = await perfAvailability(target);
    if (availability.state === 'unavailable') return availability;
    // Without that right perf exits with 0, and has recorded nothing.
    const { doubtful, notSupported } = await countable(target, [event]);
    const [missing] = notSupported;
    if (missing) return unavailable(`perf cannot record ${event}: ${missing.reason}`);
    return doubtful.length === 0
      ? available
      : unavailable(
          'threads switch in the kernel, which perf may not look into here',
          'run as root, or: sysctl kernel.perf_event_paranoid=1',
        );
  },

  arm: async (ctx) => {
    const { target, dir, options } = ctx;
    // perf makes its file, so the folder must be there: this makes it.
    await dir.writeJson('offcpu-record.json', { event, callGraph: options.callGraph });
    const captures = new SwitchCaptures(target);
    await captures.prepare();
    const recorder = await SpanRecorder.arm(
      target,
      {
        event,
        frequency: 'every',
        switches: true,
        callGraph: options.callGraph,
        folder: dir.path,
        name: recordingName,
      },
      captures,
    );

    return {
      failed: recorder.failed,
      start: (span) => recorder.start(span),
      stop: () => recorder.stop(),
      finish: () => recorder.finish(),
      collect: async (spans, out) => {
        const files = await recorder.filesOf(spans);
        const captured = spans.flatMap((span) => {
          const startNs = recorder.capturedFromNs(span);
          return startNs === undefined ? [] : [{ ...span, startNs }];
        });
        const artifacts = await foldWaits(ctx, files, captured, await captures.of(files), out);
        captures.forget(recorder.forget(spans));
        return artifacts;
      },
      [Symbol.asyncDispose]: async () => {
        captures[Symbol.dispose]();
        await recorder[Symbol.asyncDispose]();
      },
    };
  },

  recover: async (ctx, spans, out) => {
    const files = await perfDataFiles(ctx.target, ctx.dir.path, recordingName);
    return foldWaits(ctx, files, spans, capturesOfSpans(spans, files.length), out);
  },
});

/** @param spans from where their capture began. */
async function foldWaits(
  ctx: Context,
  perfData: readonly string[],
  spans: readonly EndedSpan[],
  captures: readonly SwitchCapture[],
  out: ArtifactDirs,
): Promise<Artifact[]> {
  const { target } = ctx;
  const summary = await foldRecordings(ctx, {
    perfData,
    spans,
    captures,
    foldedPath: (span) => join(out.of(span).path, 'offcpu.folded'),
  });
  const { broken, told } = summary.waits ?? { broken: 0, told: 0 };
  if (summary.lost > 0 || broken > 0)
    ctx.warn({
      code: 'waits-lost',
      message: `perf lost ${summary.lost} records: ${broken} waits beside ${told} have no beginning or no end, and are not counted`,
    });
  const shown = spans.flatMap((span) => {
    const folded = summary.of(span);
    if (folded !== undefined && folded.samples > 0) return [{ span, folded }];
    tellNothing(ctx, span);
    return [];
  });
  await renderFlamegraphs(
    target,
    shown.map(({ span }) => ({
      title: `${stageLabel(span.stage)}: off the CPU`,
      facts: [
        `${target.program} (${target.id})`,
        `${(span.durationMs / 1_000).toFixed(3)} s`,
        new Date(span.startedAt).toISOString(),
      ],
      unit: 'µs',
      folded: join(out.of(span).path, 'offcpu.folded'),
      html: join(out.of(span).path, 'offcpu.html'),
    })),
  );
  const artifacts = await Promise.all(
    shown.map(async ({ span, folded }) => {
      const { waitedUs = {}, sinceBeforeUs = 0, takenOffUs = 0, unresolvedShare, lost, perfData } = folded;
      const pools = Object.entries(waitedUs).map(([pool, kinds]) => ({
        pool,
        ...inMs(kinds),
      }));
      const offCpuMs = pools.reduce((sum, pool) => sum + pool.offCpuMs, 0);
      const sinceBeforeMs = sinceBeforeUs / 1_000;
      ctx.facts(span, { event, offCpuMs, sinceBeforeMs, lost, unresolvedShare, perfData });
      const dirOfSpan = out.of(span);
      return [
        await dirOfSpan.existing('offcpu.folded'),
        await dirOfSpan.existing('offcpu.html'),
        await dirOfSpan.writeJson('offcpu.json', {
          capturedMs: Number(span.endNs - span.startNs) / 1e6,
          offCpuMs,
          /** Of waits that had begun before the capture: what they wait in is what /proc told of it. */
          sinceBeforeMs,
          /** perf's own notes of the switches make offCpuMs longer by so much than the scheduler has it. */
          takenOffMs: takenOffUs / 1_000,
          pools,
        }),
      ];
    }),
  );
  return artifacts.flat();
}

function inMs(kinds: Readonly<Record<string, number>>): {
  offCpuMs: number;
  kinds: Record<string, number>;
} {
  const inOrder = Object.entries(kinds).sort(([, a], [, b]) => b - a);
  return {
    offCpuMs: inOrder.reduce((sum, [, us]) => sum + us, 0) / 1_000,
    kinds: Object.fromEntries(inOrder.map(([kind, us]) => [kind, us / 1_000])),
  };
}

/** Some thread always waits, so a span of some length without any wait was not captured. */
function tellNothing(ctx: Context, span: EndedSpan): void {
  const why =
    span.startNs >= span.endNs
      ? 'its capture began only when it was over; is the machine overloaded?'
      : 'is perf restricted here (seccomp)?';
  ctx.warn(
    nothingCaptured(span, `${stageLabel(span.stage)}: no wait in ${span.durationMs.toFixed(0)} ms: ${why}`),
  );
}
