import { Command, Option } from 'commander';
import { UsageError } from '../error.ts';
import { TimedSource, type StageLength } from '../source/timed.ts';
import { formatStart } from '../stage/emitter.ts';
import { parseStage } from '../stage/stage.ts';
import { integer, timeMs } from './flags.ts';
import { addMonitorFlags, type MonitorFlags } from './monitor-flags.ts';

interface Flags extends MonitorFlags {
  readonly stage: string;
  readonly for?: number;
  readonly every?: number;
  readonly count?: number;
  readonly untilExit?: number;
}

export const command = addMonitorFlags(
  new Command('attach')
    .summary('profile a server now: a stage made by hand')
    .description(
      'Makes a stage by hand, for a benchmark that prints no markers: the server is profiled for a time, or until a ' +
        'process ends. The stage begins when the hooks are armed.',
    )
    .option('--stage <name[:tag]>', 'what the stage is called', 'attach')
    .option('--for <time>', 'how long it lasts: seconds, or 500ms, 5m', timeMs)
    .addOption(
      new Option('--until-exit <pid>', 'until that process ends')
        .argParser(integer(1, 4_194_304))
        .conflicts(['for', 'every']),
    )
    .option('--every <time>', 'again so often, from start to start', timeMs)
    .option('--count <n>', 'how many stages', integer(1, 1_000_000)),
)
  .addHelpText(
    'after',
    `
Examples:
  stagewatch attach --for 10
  stagewatch attach --stage get:nightly --for 5 --every 60 --count 10 --server-port 6379
  stagewatch attach --until-exit 4711
`,
  )
  .action(async (flags: Flags) => {
    const length = lengthOf(flags);
    if (flags.every !== undefined && length.until === 'time' && flags.every < length.forMs)
      throw new UsageError(
        'every',
        `Expected --every to be at least --for (${length.forMs} ms), got ${flags.every} ms`,
      );
    const stage = parseStage(flags.stage);
    formatStart(stage); // refuses what no benchmark could print
    const { follow } = await import('./follow.ts');
    await follow(flags, () => ({
      sources: [
        new TimedSource({
          stage,
          length,
          ...(flags.every === undefined ? {} : { everyMs: flags.every }),
          count: flags.count ?? 1,
        }),
      ],
      label: flags.stage,
      armFirst: true,
      profilesOnly: true,
    }));
  });

function lengthOf(flags: Flags): StageLength {
  if (flags.untilExit !== undefined) return { until: 'exit', pid: flags.untilExit };
  if (flags.for !== undefined) return { until: 'time', forMs: flags.for };
  throw new UsageError('length', 'Expected --for SECONDS or --until-exit PID, got neither');
}
