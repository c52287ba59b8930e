import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StagewatchError } from '../error.ts';
import { type FlameInputOptions, readFlameInput } from './flame-input.ts';
import { flamegraphHtml, type FlamegraphPage } from './flamegraph-html.ts';
import { flamegraphSvg } from './flamegraph-svg.ts';
import { reverseStacks } from './reverse-stacks.ts';

export const flamegraphFormats = ['html', 'svg', 'folded'] as const;
export type FlamegraphFormat = (typeof flamegraphFormats)[number];

export interface FlamegraphOptions extends FlameInputOptions {
  readonly format: FlamegraphFormat;
  /** Default: the name of the input. */
  readonly title?: string | undefined;
  /** Stacks from the innermost frame outwards. */
  readonly reverse?: boolean;
  /** Another profile, the one before: frames are coloured by the change of their share. */
  readonly diff?: string | undefined;
}

export interface Flamegraph {
  readonly text: Iterable<string>;
  readonly samples: number;
  readonly stacks: number;
  /** What a user should know: what was left out, for one. */
  readonly notes: readonly string[];
}

/**
 * A flame graph of a perf.data, the text of `perf script`, or folded stacks.
 * @param input a path, `-` for standard input.
 * @throws as readFlameInput; StagewatchError `no-stacks`.
 */
export async function makeFlamegraph(input: string, options: FlamegraphOptions): Promise<Flamegraph> {
  const { format, diff, title = nameOf(input) } = options;
  const now = await readStacks(input, options);
  const before = diff === undefined ? undefined : await readStacks(diff, options);
  const notes = [...now.notes, ...(before?.notes.map((note) => `${nameOf(diff ?? '')}: ${note}`) ?? [])];
  const page: FlamegraphPage = {
    title,
    facts: [...factsOf(options), ...(before ? [changeNote(nameOf(diff ?? ''), before.samples)] : [])],
    folded: now.folded.join('\n'),
    ...(before && { before: before.folded.join('\n') }),
  };
  return {
    text: render(format, page, now.folded, before?.folded),
    samples: now.samples,
    stacks: now.folded.length,
    notes,
  };
}

interface Stacks {
  readonly folded: readonly string[];
  readonly samples: number;
  readonly notes: readonly string[];
}

async function readStacks(input: string, options: FlamegraphOptions): Promise<Stacks> {
  const { by, annotate, time, reverse } = options;
  const { folded, notes, kind } = await readFlameInput(input, { by, annotate, time });
  let samples = 0;
  for (const line of folded) {
    const blank = line.lastIndexOf(' ');
    if (blank > 0) samples += Number(line.slice(blank + 1));
  }
  if (samples === 0)
    throw new StagewatchError(
      'no-stacks',
      `${nameOf(input)} (${kind}) holds no stacks${time ? ' in that time' : ''}${notes.map((note) => `; ${note}`).join('')}`,
    );
  return { folded: reverse ? reverseStacks(folded) : folded, samples, notes };
}

function nameOf(input: string): string {
  return input === '-' ? 'standard input' : basename(input);
}

function factsOf({ by, time, reverse, annotate }: FlamegraphOptions): string[] {
  return [
    ...(by ? [`by ${by}`] : []),
    ...(time ? [`${Number(time.fromNs) / 1e9} s to ${Number(time.toNs) / 1e9} s`] : []),
    ...(reverse ? ['innermost frames first'] : []),
    ...(annotate ? [`${annotate} frames marked`] : []),
  ];
}

/** Both directions: widths show what is; what is gone has none. */
function changeNote(other: string, samples: number): string {
  return `compared with ${other} (${samples} samples): red grew, blue shrank; what is gone has no width here, but stands in the table, or swap the two`;
}

function render(
  format: FlamegraphFormat,
  page: FlamegraphPage,
  now: readonly string[],
  before: readonly string[] | undefined,
): Iterable<string> {
  if (format === 'html') return [flamegraphPage(page)];
  if (format === 'svg') return flamegraphSvg(page, webScript('flamegraph-svg'));
  return before === undefined ? now : differences(now, before);
}

/** `a;b 3 42`: before and now, as the field's tools for differential flame graphs have it. */
function* differences(now: readonly string[], before: readonly string[]): Iterable<string> {
  const weights = new Map<string, [before: number, now: number]>();
  for (const [side, lines] of [before, now].entries())
    for (const line of lines) {
      const blank = line.lastIndexOf(' ');
      const stack = line.slice(0, blank);
      let pair = weights.get(stack);
      if (pair === undefined) weights.set(stack, (pair = [0, 0]));
      pair[side as 0 | 1] += Number(line.slice(blank + 1));
    }
  for (const [stack, pair] of [...weights].sort(([a], [b]) => (a < b ? -1 : 1)))
    yield `${stack} ${pair.join(' ')}`;
}

/** The page of stacks that are at hand. */
export function flamegraphPage(page: FlamegraphPage): string {
  return flamegraphHtml(page, webScript('flamegraph'));
}

/** Run from source (tests), the bundles are in dist/. */
function webScript(name: string): string {
  const folder = import.meta.url.endsWith('.ts') ? '../../dist/web' : '../../web';
  return readFileSync(fileURLToPath(new URL(`${folder}/${name}.js`, import.meta.url)), 'utf8');
}
