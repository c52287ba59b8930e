import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Artifact,
  type ArtifactDirs,
  available,
  defineHook,
  type EndedSpan,
  type HookContext,
  renderFlamegraphs,
  stageLabel,
  type Target,
  z,
} from 'stagewatch/hook';

export default defineHook({
  name: 'flamegraph',
  description: 'flamegraph.html of each span, from the stacks that perf-record folds',
  options: z.object({}),
  needs: ['perf-record'],
  target: 'required',
  probe: async () => available,

  arm: async (ctx) => ({
    start: async () => {},
    stop: async () => {},
    collect: (spans, out) => render(ctx, spans, out),
    [Symbol.asyncDispose]: async () => {},
  }),

  recover: render,
});

async function render(
  { target, dir }: HookContext<object, Target>,
  spans: readonly EndedSpan[],
  out: ArtifactDirs,
): Promise<Artifact[]> {
  const recording = await readRecording(dir.path);
  const pages = spans.map((span) => ({
    title: stageLabel(span.stage),
    facts: [
      `${target.program} (${target.id})`,
      ...recording,
      `${(span.durationMs / 1_000).toFixed(3)} s`,
      new Date(span.startedAt).toISOString(),
    ],
    folded: join(out.of(span).path, 'stacks.folded'),
    html: join(out.of(span).path, 'flamegraph.html'),
  }));
  await renderFlamegraphs(target, pages);
  return Promise.all(spans.map((span) => out.of(span).existing('flamegraph.html')));
}

/** What perf-record left beside perf.data. */
async function readRecording(folder: string): Promise<string[]> {
  const text = await readFile(join(folder, 'perf-record.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return [];
  const { event, frequency } = JSON.parse(text) as { event: string; frequency: number };
  return [`${event} at ${frequency} Hz`];
}
