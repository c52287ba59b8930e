import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf, UsageError } from '../error.ts';
import { stacksIn } from '../perf/flame-tree.ts';
import { writeWhole } from '../session/artifact-dir.ts';
import type { Side } from './side.ts';

/** Stacks of a stage that a baseline keeps, the heaviest, characters: it is to be committed beside the code. */
const MOST_STACKS = 1024 * 1024;
/** Larger files are not read, bytes. */
const MOST_BYTES = 256 * 1024 * 1024;

const facts = z.record(z.string(), z.string());
const run = z.object({
  session: z.string(),
  span: z.number().int().min(0),
  startedMs: z.number(),
  figures: z.record(z.string(), z.number().positive()),
  openLoop: z.boolean(),
});
const stage = z.object({
  stage: z.string(),
  runs: z.array(run),
  facts,
  hooks: z.array(z.string()),
  folded: z.string(),
});
const baseline = z.object({
  version: z.literal(1),
  kind: z.literal('stagewatch-baseline'),
  savedAt: z.string(),
  name: z.string(),
  facts,
  stages: z.array(stage),
  notes: z.array(z.string()),
});

/**
 * Keeps a side for later, whole or not at all: its runs, what host and configuration they were made with, and its stacks.
 * @throws {UsageError} baseline-file, when it cannot be written; empty-baseline, when there is nothing to keep.
 */
export async function saveBaseline(path: string, side: Side, savedAt: Date): Promise<void> {
  const stages = side.stages
    .filter(({ runs }) => runs.some(({ figures }) => Object.keys(figures).length > 0))
    .map((one) => ({ ...one, folded: heaviest(one.folded) }));
  if (stages.length === 0)
    throw new UsageError(
      'empty-baseline',
      `Expected runs with figures to keep as a baseline, got none in ${side.name}`,
    );
  const kept: z.infer<typeof baseline> = {
    version: 1,
    kind: 'stagewatch-baseline',
    savedAt: savedAt.toISOString(),
    name: side.name,
    facts: side.facts,
    stages: stages.map(({ stage: label, runs, facts: own, hooks, folded }) => ({
      stage: label,
      runs: runs.map((one) => ({ ...one, figures: { ...one.figures } })),
      facts: own,
      hooks: [...hooks],
      folded,
    })),
    notes: [...side.notes],
  };
  try {
    await writeWhole(path, `${JSON.stringify(kept, undefined, 1)}\n`);
  } catch (cause) {
    throw new UsageError(
      'baseline-file',
      `Expected --save-baseline to be a file that can be written, got "${path}": ${messageOf(cause)}`,
      { cause },
    );
  }
}

/** @throws {UsageError} baseline-file, when it is not one; newer-baseline, of a later version. */
export async function readBaseline(path: string): Promise<Side> {
  const expected = (found: string, cause?: unknown): UsageError =>
    new UsageError(
      'baseline-file',
      `Expected --baseline to be a file of compare --save-baseline, but ${path} ${found}`,
      { cause },
    );
  let json: unknown;
  try {
    const bytes = await readFile(path);
    if (bytes.length > MOST_BYTES) throw expected(`has ${bytes.length} bytes`);
    json = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw expected(
      cause instanceof SyntaxError
        ? `is no whole JSON: ${cause.message}`
        : `cannot be read: ${messageOf(cause)}`,
      cause,
    );
  }
  const head = z.object({ kind: z.literal('stagewatch-baseline'), version: z.number() }).safeParse(json);
  if (!head.success) throw expected('is not one');
  if (head.data.version > 1)
    throw new UsageError(
      'newer-baseline',
      `${path} was written by a newer stagewatch (format ${head.data.version}, this one reads 1)`,
    );
  const { data, error } = baseline.safeParse(json);
  if (data === undefined) {
    const [issue] = error.issues;
    throw expected(`is damaged at ${issue?.path.join('.') || 'its top'}: ${issue?.message ?? 'unknown'}`);
  }
  return { name: `${path} of ${data.savedAt}`, facts: data.facts, stages: data.stages, notes: [] };
}

/** Functions and flame graphs are of the heaviest stacks; shares stay shares of all, in one frame that says so. */
function heaviest(folded: string): string {
  if (folded.length <= MOST_STACKS) return folded;
  const stacks = [...stacksIn(folded)].sort((a, b) => b.weight - a.weight);
  const lines: string[] = [];
  let length = 0;
  let left = 0;
  for (const { stack, weight } of stacks) {
    const line = `${stack.join(';')} ${weight}`;
    length += line.length + 1;
    if (length <= MOST_STACKS) lines.push(line);
    else left += weight;
  }
  return [...lines, `[rare stacks];[rare stacks] ${left}`].join('\n');
}
