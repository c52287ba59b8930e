import { Command, InvalidArgumentError, Option } from 'commander';
import { isatty } from 'node:tty';
import { setFlagsFromString } from 'node:v8';
import { type FlamegraphFormat, flamegraphFormats, makeFlamegraph } from '../perf/flamegraph.ts';
import { type RootKind, rootKinds } from '../perf/root-names.ts';
import { writeResult } from './output.ts';
import { printable } from './text.ts';
import { linesOf, writeOutput } from './write-output.ts';

interface Flags {
  readonly format: FlamegraphFormat;
  readonly output?: string;
  readonly by?: RootKind;
  readonly reverse?: true;
  readonly title?: string;
  readonly time?: { readonly fromNs: bigint; readonly toNs: bigint };
  readonly diff?: string;
  readonly annotate?: 'kernel' | 'jit' | 'all';
}

export const command = new Command('flamegraph')
  .summary('draw a perf.data, perf script text or folded stacks')
  .description('Makes a flame graph of a perf.data, of the text of perf script, or of folded stacks.')
  .argument('<input>', 'what to draw, told apart by what is in it; - for standard input')
  .addOption(new Option('--format <format>', 'what to write').choices(flamegraphFormats).default('html'))
  .option('-o, --output <file>', 'where to write; - for standard output (default: beside the input)')
  .addOption(new Option('--by <root>', 'what stands below the stacks (default: thread)').choices(rootKinds))
  .option('--reverse', 'from the innermost function outwards: who calls it')
  .option('--title <text>', 'instead of the name of the input')
  .option('--time <from,to>', "only samples from then to then, in seconds on perf's clock", timeRange)
  .option('--diff <other>', 'colour by the change since another profile: red grew, blue shrank')
  .addOption(
    new Option('--annotate <frames>', 'mark frames of the kernel _[k], of compiled scripts _[j]').choices([
      'kernel',
      'jit',
      'all',
    ]),
  )
  .addHelpText(
    'after',
    `
Examples:
  stagewatch flamegraph perf.data
  perf script | stagewatch flamegraph - --format folded > stacks.folded
  stagewatch flamegraph new.folded --diff old.folded --format svg -o change.svg
`,
  )
  .action(async (input: string, flags: Flags) => {
    const { output = defaultOutput(input, flags.format), ...options } = flags;
    // The default, 920, makes V8's compiler a third of what a perf.data of 100,000 samples takes: 270 ms of CPU, not 215.
    setFlagsFromString('--max-inlined-bytecode-size-cumulative=300');
    const { text, samples, stacks, notes } = await makeFlamegraph(input, options);
    for (const note of notes) writeResult(2, `stagewatch: ${printable(note, 400)}\n`);
    writeOutput(output, linesOf(text));
    if (output !== '-')
      writeResult(
        1,
        `${output}: ${samples.toLocaleString('en')} samples in ${stacks.toLocaleString('en')} stacks\n`,
      );
  });

/** Folded stacks are made for pipes; pages are not. */
function defaultOutput(input: string, format: FlamegraphFormat): string {
  const isPiped = !isatty(1);
  if (isPiped && (format === 'folded' || input === '-')) return '-';
  return input === '-' ? `flamegraph.${format}` : `${input}.${format}`;
}

/** `FROM,TO`, either of them may be missing, as perf report has it. */
function timeRange(value: string): { fromNs: bigint; toNs: bigint } {
  const [, from, to] = /^(\d+(?:\.\d+)?)?,(\d+(?:\.\d+)?)?$/.exec(value) ?? [];
  const fromNs = from === undefined ? 0n : nanoseconds(from);
  const toNs = to === undefined ? 1n << 62n : nanoseconds(to);
  if ((from === undefined && to === undefined) || fromNs > toNs)
    throw new InvalidArgumentError(`Expected FROM,TO in seconds, like 8123.25,8124, got "${value}".`);
  return { fromNs, toNs };
}

function nanoseconds(seconds: string): bigint {
  const [whole = '0', fraction = ''] = seconds.split('.');
  return BigInt(whole + fraction.slice(0, 9).padEnd(9, '0'));
}
