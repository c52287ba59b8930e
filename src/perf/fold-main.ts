/** The folding child: a job on standard input, `perf script` below it, stacks.folded and one line of JSON out of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '../error.ts';
import type { FoldJob, FoldSummary } from './fold-job.ts';
import { Fold, type SpanFold } from './fold.ts';
import { lostIn } from './perf-data.ts';
import { lastWords } from './record.ts';
import { perfEnvironment } from './run.ts';
import { ScriptText } from './script-text.ts';
import { writeWhole } from './write-whole.ts';

const job = JSON.parse(readFileSync(0, 'utf8')) as FoldJob;
process.stdout.write(`${JSON.stringify(await foldAll(job))}\n`);

async function foldAll({ target, root, inputs, spans }: FoldJob): Promise<FoldSummary> {
  const fold = new Fold({
    target,
    root,
    spans: spans.map(({ id, startNs, endNs }) => ({ id, startNs: BigInt(startNs), endNs: BigInt(endNs) })),
  });
  const errors: string[] = [];
  let unknownLines = 0;
  let lost = 0;
  for (const [input, { perfData, script }] of inputs.entries()) {
    fold.input = input;
    const text = new ScriptText(fold);
    const error = await readScript(script, text);
    if (error !== undefined) errors.push(`${perfData}: ${error}`);
    lost += await lostIn(perfData);
    unknownLines += text.unknownLines;
  }
  spans.forEach(({ folded }, index) => {
    const span = fold.spans[index];
    if (span !== undefined && span.samples > 0) {
      mkdirSync(dirname(folded), { recursive: true, mode: 0o700 });
      writeWhole(folded, fold.foldedLines(span));
    }
  });
  return {
    spans: fold.spans.map(summarise),
    samples: fold.samples,
    outside: fold.outside,
    lost,
    truncated: fold.truncated,
    unknownLines,
    errors,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
}

/** @returns what went wrong; what was read before counts all the same. */
async function readScript(
  [program = '', ...args]: readonly string[],
  text: ScriptText,
): Promise<string | undefined> {
  // In our own process group, which is stopped as a whole while a watched span is open.
  const perf = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...perfEnvironment },
  });
  let said = '';
  perf.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-8192)));
  const ended = once(perf, 'close').catch((error: unknown) => error);
  for await (const chunk of perf.stdout) text.push(chunk as Buffer);
  text.end();
  const end = await ended;
  if (!Array.isArray(end)) return messageOf(end);
  return perf.exitCode === 0
    ? undefined
    : `perf script ended with ${perf.exitCode ?? perf.signalCode}: ${lastWords(said)}`;
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
