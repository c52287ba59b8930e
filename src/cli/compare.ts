import { Command, Option } from 'commander';
import { abSides } from '../compare/ab-sides.ts';
import { readBaseline, saveBaseline } from '../compare/baseline.ts';
import { isOtherSetup } from '../compare/facts.ts';
import { readSide, type Side } from '../compare/side.ts';
import { differenceText, setupDifferences } from '../compare/warnings.ts';
import { UsageError } from '../error.ts';
import {
  addCompareFlags,
  checkOutputs,
  compareAndWrite,
  type CompareOutputFlags,
  type JudgeFlags,
} from './compare-output.ts';
import { writeResult } from './output.ts';

interface Flags extends JudgeFlags, CompareOutputFlags {
  readonly base?: string[];
  readonly new?: string[];
  readonly baseline?: string;
  readonly saveBaseline?: string;
  readonly anyway?: true;
  readonly outputDir?: string;
}

const EXAMPLES = `
Exit codes: 0 for same and faster, 1 for slower, 6 for undecided.

Examples:
  stagewatch compare stage_perf/2026-11-23T04-41-17Z-bench stage_perf/2026-11-23T05-02-40Z-bench
  stagewatch compare --base old1 old2 old3 --new new1 new2 new3 --html change.html
  stagewatch compare --save-baseline perf.json stage_perf/*-bench
  stagewatch compare --baseline perf.json stage_perf/*-bench --markdown >> "$GITHUB_STEP_SUMMARY"
`;

export const command = addCompareFlags(
  new Command('compare')
    .summary('tell whether a build is slower, in which stage and function')
    .description(
      'Compares sessions stage by stage: faster, slower, same, or undecided where the ' +
        'noise hides the answer. Sessions of stagewatch ab hold both sides themselves.',
    )
    .argument('[session...]', 'BASE and NEW; one of ab; or, with a baseline, those of one side')
    .optionsGroup('Sides:')
    .option('--base <session...>', 'sessions of the base, where they are several')
    .option('--new <session...>', 'sessions of what is new')
    .addOption(
      new Option('--baseline <file>', 'the base, as --save-baseline kept it').conflicts(['base', 'new']),
    )
    .addOption(
      new Option('--save-baseline <file>', 'keep these sessions as a base, and compare nothing').conflicts([
        'base',
        'new',
        'baseline',
      ]),
    )
    .option('--anyway', 'compare with a baseline of another host or configuration all the same'),
)
  .option('--json [file]', 'all of it as JSON, to standard output or a file')
  .option('--output-dir <dir>', 'a differential flame graph of every stage')
  .optionsGroup('Options:')
  .option('-v, --verbose', 'stacks of errors')
  .addHelpText('after', EXAMPLES)
  .action(async (sessions: string[], flags: Flags) => {
    checkOutputs(flags);
    if (flags.saveBaseline !== undefined) {
      if (sessions.length === 0)
        throw new UsageError('sessions', 'Expected sessions to keep with --save-baseline, got none');
      const side = await readSide(sessions);
      await saveBaseline(flags.saveBaseline, side, new Date());
      const runs = side.stages.reduce((sum, stage) => sum + stage.runs.length, 0);
      writeResult(1, `${flags.saveBaseline}: ${side.stages.length} stages, ${runs} runs\n`);
      return;
    }
    const [base, fresh] = await sidesOf(sessions, flags);
    process.exitCode = compareAndWrite(base, fresh, flags, flags, flags.outputDir).code;
  });

async function sidesOf(sessions: readonly string[], flags: Flags): Promise<readonly [Side, Side]> {
  const { base, new: fresh, baseline, anyway } = flags;
  if (baseline !== undefined) {
    if (sessions.length === 0)
      throw new UsageError('sessions', 'Expected sessions to compare with --baseline, got none');
    const sides = [await readBaseline(baseline), await readSide(sessions)] as const;
    if (!anyway) refuseOtherSetup(baseline, ...sides);
    return sides;
  }
  if (base !== undefined || fresh !== undefined) {
    if (base === undefined || fresh === undefined || sessions.length > 0)
      throw new UsageError(
        'sessions',
        'Expected --base and --new, each with its sessions, and no others: --base A B C --new D E F',
      );
    return [await readSide(base), await readSide(fresh)];
  }
  const [first, second, ...rest] = sessions;
  if (first === undefined || rest.length > 0)
    throw new UsageError(
      'sessions',
      `Expected two sessions, BASE and NEW, got ${sessions.length}: several of a side are named by --base and --new`,
    );
  if (second !== undefined) return [await readSide([first]), await readSide([second])];
  const both = await abSides(first);
  if (both === undefined)
    throw new UsageError(
      'sessions',
      `Expected two sessions, BASE and NEW, got one, and ${first} is not of stagewatch ab`,
    );
  return both;
}

/** @throws {UsageError} other-setup */
function refuseOtherSetup(path: string, base: Side, fresh: Side): void {
  const others = setupDifferences(base, fresh).filter(isOtherSetup);
  if (others.length > 0)
    throw new UsageError(
      'other-setup',
      `Expected ${path} to be of this host and configuration: ${others.map(differenceText).join('; ')}. --anyway compares all the same.`,
    );
}
