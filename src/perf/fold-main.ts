/** The folding child: a job on standard input, `perf script` below it, stacks.folded and one line of JSON out of it. */
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { FoldedSpan, FoldJob, FoldSummary } from './fold-job.ts';
import { foldData } from './fold-data.ts';
import { Fold, type SpanFold } from './fold.ts';
import { lostIn } from './perf-data.ts';
import { readScript } from './script-pass.ts';
import { sinceBefore, Waits } from './waits.ts';
import { writeWhole } from './write-whole.ts';

const nsPerMicrosecond = 1_000;

const job = JSON.parse(readFileSync(0, 'utf8')) as FoldJob;
process.stdout.write(`${JSON.stringify(await foldAll(job))}\n`);

async function foldAll({ target, root, inputs, spans, captures, ofAll }: FoldJob): Promise<FoldSummary> {
  const times = spans.map(({ id, startNs, endNs }) => ({
    id,
    startNs: BigInt(startNs),
    endNs: BigInt(endNs),
  }));
  const fold = new Fold({ target, root, spans: times, ...(ofAll && { only: target.pid }) });
  const waits = captures && new Waits(target, captures, fold, times);
  const errors: string[] = [];
  let unknownLines = 0;
  let lost = 0;
  for (const [input, { perfData, script }] of inputs.entries()) {
    fold.input = input;
    waits?.startInput(input);
    // A target's recording on another machine is read there.
    const isHere = root !== undefined;
    const { error, unknownLines: unknown } =
      (isHere && !waits ? await foldData(perfData, fold) : undefined) ??
      (await readScript(script, waits ?? fold));
    waits?.endInput();
    if (error !== undefined) errors.push(`${perfData}: ${error}`);
    lost += await lostIn(perfData);
    unknownLines += unknown;
  }
  spans.forEach(({ folded }, index) => {
    const span = fold.spans[index];
    if (span !== undefined && span.samples > 0) {
      mkdirSync(dirname(folded), { recursive: true, mode: 0o700 });
      writeWhole(folded, fold.foldedLines(span, waits ? nsPerMicrosecond : 1));
    }
  });
  return {
    spans: fold.spans.map((span) => ({
      ...summarise(span),
      ...(waits && {
        ...sumWaits(fold.foldedLines(span, nsPerMicrosecond)),
        takenOffUs: span.takenOff / nsPerMicrosecond,
      }),
    })),
    samples: fold.samples,
    outside: fold.outside,
    lost,
    truncated: fold.truncated,
    unknownLines,
    ...(waits && { waits: { told: waits.told, broken: waits.broken } }),
    errors,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
}

function summarise(span: SpanFold): FoldSummary['spans'][number] {
  const { id, samples, lost, firstNs, lastNs, frames, unresolvedFrames, input } = span;
  return {
    id,
    samples,
    lost,
    ...(firstNs !== undefined && { firstSampleMs: firstNs / 1e6 }),
    ...(lastNs !== undefined && { lastSampleMs: lastNs / 1e6 }),
    ...(input !== undefined && { input }),
    ...(frames > 0 && { unresolvedShare: unresolvedFrames / frames }),
  };
}

/** By pool and kind of wait, the first two frames of each line. */
function sumWaits(lines: Iterable<string>): Pick<FoldedSpan, 'waitedUs' | 'sinceBeforeUs'> {
  let sinceBeforeUs = 0;
  const pools = new Map<string, Map<string, number>>();
  for (const line of lines) {
    const blank = line.lastIndexOf(' ');
    const [pool = '', kind = '', outermost] = line.slice(0, blank).split(';', 3);
    const us = Number(line.slice(blank + 1));
    if (outermost === sinceBefore) sinceBeforeUs += us;
    let kinds = pools.get(pool);
    if (kinds === undefined) pools.set(pool, (kinds = new Map()));
    const name = kind.slice(1, -1);
    kinds.set(name, (kinds.get(name) ?? 0) + us);
  }
  return {
    sinceBeforeUs,
    waitedUs: Object.fromEntries([...pools].map(([pool, kinds]) => [pool, Object.fromEntries(kinds)])),
  };
}
