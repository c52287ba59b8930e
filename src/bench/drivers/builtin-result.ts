import { z } from 'zod';
import { UsageError } from '../../error.ts';
import { BenchmarkError, ParseError } from '../error.ts';
import { endText, printedLast, type ProgramRun } from './program-run.ts';
import type { Reading } from './reading.ts';

const latency = z.object({
  avgMs: z.number(),
  p50Ms: z.number(),
  p95Ms: z.number(),
  p99Ms: z.number(),
  maxMs: z.number(),
});

/** What is read of `stagewatch load --json`. */
const document = z.object({
  version: z.literal(1),
  results: z.array(
    z.object({
      name: z.string(),
      durationMs: z.number(),
      requests: z.number(),
      throughput: z.number(),
      latency: latency.nullable(),
      errors: z.array(z.object({ kind: z.string(), count: z.number() })),
      recall: z.object({ avg: z.number(), min: z.number(), max: z.number() }).nullable(),
      baseRtt: z.object({ avgMs: z.number() }),
      warnings: z.array(z.object({ code: z.string(), message: z.string() })),
    }),
  ),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
});

/**
 * @param json what it wrote; undefined when it wrote nothing.
 * @throws {UsageError} what the load refuses. @throws {BenchmarkError} the load's own codes. @throws {ParseError} no-result.
 */
export function readBuiltin(run: ProgramRun, json: string | undefined): Reading {
  const { end, lastLines } = run;
  const parsed = json === undefined ? undefined : document.safeParse(parseJson(json));
  if (parsed?.success && parsed.data.error !== undefined)
    throw new BenchmarkError(parsed.data.error.code, parsed.data.error.message, { lastLines });
  if (end.state === 'exited' && end.exitCode === 2)
    throw new UsageError('load-refused', (lastLines.at(-1) ?? '').replace(/^stagewatch: /, ''));
  const result = parsed?.success ? parsed.data.results.at(-1) : undefined;
  if (result === undefined)
    throw new ParseError(
      'no-result',
      `stagewatch load ended with ${endText(end)} and left no result. ${printedLast(lastLines)}`,
      { lastLines, cause: parsed?.error },
    );
  return {
    name: result.name,
    qps: result.throughput,
    latencyAvg: result.latency?.avgMs ?? NaN,
    latencyP50: result.latency?.p50Ms ?? NaN,
    latencyP95: result.latency?.p95Ms ?? NaN,
    latencyP99: result.latency?.p99Ms ?? NaN,
    latencyMax: result.latency?.maxMs ?? NaN,
    recallAvg: result.recall?.avg ?? null,
    recallMin: result.recall?.min ?? null,
    recallMax: result.recall?.max ?? null,
    baselineLatencyAvg: result.baseRtt.avgMs,
    errors: result.errors.map(({ kind, count }) => ({ kind, count })),
    requests: result.requests,
    durationMs: result.durationMs,
    warnings: result.warnings,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
