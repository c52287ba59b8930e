import { join } from 'node:path';
import {
  type Artifact,
  type ArtifactDirs,
  available,
  capturesOfSpans,
  countable,
  defineHook,
  type EndedSpan,
  foldPerfData,
  type FoldedSpan,
  type HookContext,
  perfDataFiles,
  RecordRotation,
  renderFlamegraphs,
  repairPerfData,
  type SpanId,
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

/** Which part of a span was captured, and where. */
interface Window {
  readonly file: string;
  readonly fromNs: bigint;
}

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
    const rotation = await RecordRotation.arm(target, {
      event,
      frequency: 'every',
      switches: true,
      callGraph: options.callGraph,
      folder: dir.path,
      name: recordingName,
    });
    const captures = new SwitchCaptures(target);
    await captures.prepare();
    const windows = new Map<SpanId, Window>();
    let open = 0;
    let capturedFromNs = 0n;
    let isOver = false;
    void rotation.failed.then(() => (isOver = true));

    return {
      failed: rotation.failed,
      start: async (span) => {
        const { file } = rotation;
        if (open++ === 0) {
          const askedNs = process.hrtime.bigint();
          await rotation.enable();
          capturedFromNs = captures.began(file, askedNs);
        }
        windows.set(span.id, {
          file,
          fromNs: span.startNs > capturedFromNs ? span.startNs : capturedFromNs,
        });
      },
      stop: async () => {
        if (open === 1) {
          await captures.ending();
          await rotation.disable();
        }
        open--;
      },
      finish: async () => {
        isOver = true;
        await rotation.end();
      },
      collect: async (spans, out) => {
        const own = spans.filter(({ id }) => windows.has(id));
        const files = [...new Set(own.map(({ id }) => windows.get(id)?.file ?? ''))];
        if (isOver) await rotation.end();
        else if (files.includes(rotation.file)) await rotation.rotate();
        const captured = own.map((span) => ({
          ...span,
          startNs: windows.get(span.id)?.fromNs ?? span.startNs,
        }));
        const artifacts = await foldWaits(ctx, files, captured, await captures.of(files), out);
        for (const { id } of own) windows.delete(id);
        const stillNeeded = new Set([rotation.file, ...[...windows.values()].map(({ file }) => file)]);
        captures.forget(files.filter((file) => !stillNeeded.has(file)));
        return artifacts;
      },
      [Symbol.asyncDispose]: async () => {
        captures[Symbol.dispose]();
        await rotation.end();
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
  const { target, dir } = ctx;
  for (const file of perfData) {
    const repair = await repairPerfData(file);
    if (repair.state === 'hopeless')
      ctx.warn({ code: 'perf-data-unreadable', message: `${file}: ${repair.reason}`, fails: true });
  }
  const summary = await foldPerfData(target, {
    perfData,
    spans,
    captures,
    foldedPath: (span) => join(out.of(span).path, 'offcpu.folded'),
  });
  for (const error of summary.errors) ctx.warn({ code: 'perf-script-failed', message: error, fails: true });
  const { broken, told } = summary.waits ?? { broken: 0, told: 0 };
  if (summary.lost > 0 || broken > 0)
    ctx.warn({
      code: 'waits-lost',
      message: `perf lost ${summary.lost} records: ${broken} waits beside ${told} have no beginning or no end, and are not counted`,
    });
  const paths = await Promise.all(
    perfData.map(async (file) => (await dir.existing(file.slice(dir.path.length + 1))).path),
  );
  const shown: { span: EndedSpan; folded: FoldedSpan }[] = [];
  for (const [index, span] of spans.entries()) {
    const folded = summary.spans[index];
    if (folded !== undefined && folded.samples > 0) shown.push({ span, folded });
    else tellNothing(ctx, span);
  }
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
      const { waitedUs = {}, sinceBeforeUs = 0, takenOffUs = 0, unresolvedShare, lost, input = -1 } = folded;
      const pools = Object.entries(waitedUs).map(([pool, kinds]) => ({
        pool,
        ...inMs(kinds),
      }));
      const offCpuMs = pools.reduce((sum, pool) => sum + pool.offCpuMs, 0);
      const sinceBeforeMs = sinceBeforeUs / 1_000;
      ctx.facts(span, { event, offCpuMs, sinceBeforeMs, lost, unresolvedShare, perfData: paths[input] });
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
  const mustCaptureMs = 50;
  const why =
    span.startNs >= span.endNs
      ? 'its capture began only when it was over; is the machine overloaded?'
      : 'is perf restricted here (seccomp)?';
  ctx.warn({
    code: 'nothing-captured',
    span,
    message: `${stageLabel(span.stage)}: no wait in ${span.durationMs.toFixed(0)} ms: ${why}`,
    fails: span.durationMs >= mustCaptureMs,
  });
}
