import { open } from 'node:fs/promises';
import { constants } from 'node:fs';
import { z } from 'zod';
import type { SpanHook, SpanTarget } from './report.ts';

/** Larger than any span.json of ours, bytes: a foreign folder may hold anything. */
const MOST = 8 * 1024 * 1024;

const coverage = z.union([
  z.object({ state: z.literal('measured'), ratio: z.number() }),
  z.object({ state: z.enum(['unknown', 'none']), reason: z.string().default('') }),
]);
const hook = z.looseObject({
  coverage,
  startDelayMs: z.number().optional(),
  stopDelayMs: z.number().optional(),
  artifacts: z.array(z.object({ path: z.string(), bytes: z.number() })).default([]),
});
const spanFile = z.looseObject({
  targets: z.array(z.looseObject({ target: z.string(), hooks: z.record(z.string(), hook) })).default([]),
});

/** What the hooks noted of a span: span.json. @returns undefined when it is not there, or is not one. */
export async function readSpanFile(path: string): Promise<SpanTarget[] | undefined> {
  const text = await readSmall(path);
  if (text === undefined) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined; // cut short while it was written
  }
  const { data } = spanFile.safeParse(json);
  return data?.targets.map(({ target, hooks }) => ({
    target,
    hooks: Object.entries(hooks).map(([name, noted]) => toHook(name, noted)),
  }));
}

function toHook(name: string, noted: z.infer<typeof hook>): SpanHook {
  const { coverage: covered, startDelayMs, stopDelayMs, artifacts, ...facts } = noted;
  return {
    hook: name,
    coverage: covered,
    ...(startDelayMs === undefined ? {} : { startDelayMs }),
    ...(stopDelayMs === undefined ? {} : { stopDelayMs }),
    artifacts: artifacts.filter(({ path: file }) => staysInside(file)),
    facts,
  };
}

/** A path of a session folder points below it: a foreign span.json may try something else. */
export function staysInside(path: string): boolean {
  return !path.startsWith('/') && !path.split('/').includes('..');
}

/**
 * The text of a regular file; never through a link, and never a pipe that nobody writes to.
 * @param limit bytes; a larger one is not read.
 * @returns undefined when there is no such file, or it is too large.
 */
export async function readSmall(path: string, limit = MOST): Promise<string | undefined> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const found = await file.stat();
    if (!found.isFile() || found.size > limit) return undefined;
    return await file.readFile('utf8');
  } catch {
    return undefined;
  }
}
