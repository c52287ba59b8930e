import { join } from 'node:path';
import type { Command } from 'commander';
import type { BenchmarkConfig } from '../bench/config.ts';
import { findDriver, type FoundDriver } from '../bench/drivers/find.ts';
import { UsageError } from '../error.ts';
import { asFailure } from '../experiment/as-failure.ts';
import { inMonitor } from '../experiment/in-monitor.ts';
import { planServerChanges } from '../experiment/server-changes.ts';
import type { StepOptions } from '../experiment/steps.ts';
import { configData, type Data } from '../experiment/trial-data.ts';
import type { Room } from '../experiment/trial-source.ts';
import type { MonitorSummary } from '../monitor/options.ts';
import { writeWhole } from '../session/artifact-dir.ts';
import { SESSION_FILES } from '../session/layout.ts';
import type { BenchFlags } from './bench-flags.ts';
import { addressOf } from './bench-options.ts';
import { CsvFile, type CsvColumns } from './csv-file.ts';
import { codeOfFailures, codeOfSignal, EXIT } from './exit-code.ts';
import { LeftOvers } from './left-overs.ts';
import { LiveLine } from './live-line.ts';
import { useColour, writeJson, writeResult } from './output.ts';
import { givenFlags } from './search-resume.ts';
import { driverData, followOptions, hooksOf, tell, verbosityOf } from './search-run.ts';
import { markerOf } from './search-view.ts';
import { commandText } from './search-text.ts';
import { settingLine } from './setting-line.ts';
import { listenForEnd, type EndSignals } from './signals.ts';
import { closingLines, nearPath } from './summary.ts';
import { TextView } from './view.ts';
import { viewsOf, Views } from './views.ts';

/** What a step tells while it is under way. */
export interface StepTelling<Point> {
  /** One line of a terminal. */
  readonly progress: (text: string) => void;
  readonly point: (point: Point) => void;
}

/** What one command makes of its flags. */
export interface StepPlan<Point> {
  readonly base: BenchmarkConfig;
  /** In words: `set at 50, 75, 100 % of maxmemory`. */
  readonly asked: string;
  /** For session.json. */
  readonly question: Data;
  /** Runs that differ, for `--dry-run`. */
  readonly runs: readonly { readonly stage: string; readonly config: BenchmarkConfig }[];
  readonly measure: (options: StepOptions, room: Room, telling: StepTelling<Point>) => Promise<unknown>;
  /** `ended`: it counts; `failed`: the exit code is 4. */
  readonly stateOf: (point: Point) => 'ended' | 'failed' | 'skipped';
  /** For people, as soon as it is there. */
  readonly line: (point: Point) => string;
  readonly table: (points: readonly Point[]) => string;
  readonly columns: CsvColumns<Point>;
  readonly data: (point: Point) => Data;
}

/** Its flags without those that mean nothing here, and with what some of them mean here. */
export function narrowFlags(
  command: Command,
  meanings: Readonly<Record<string, string>>,
  meaningless: readonly string[],
): Command {
  for (const option of command.options) {
    const long = option.long ?? '';
    option.description = meanings[long] ?? option.description;
    if ([...meaningless, '--driver', '--binary', '--keyspace', '--allow-errors'].includes(long))
      option.hideHelp();
  }
  return command;
}

/**
 * Runs a command that measures the same operation at several points: by the built-in load, on keys of our own, under the
 * monitor. Sets the exit code.
 */
export async function runStepCommand<Flags extends BenchFlags, Point>(
  command: Command,
  planOf: (flags: Flags) => Promise<StepPlan<Point>>,
): Promise<void> {
  const flags = command.opts<Flags>();
  if (flags.binary !== undefined || (flags.driver ?? 'builtin') !== 'builtin')
    throw new UsageError(
      'other-driver',
      `Expected no --driver or --binary with ${command.name()}: only the built-in load keeps to keys of its own.`,
    );
  if (flags.keyspace !== undefined)
    throw new UsageError(
      'keyspace',
      `Expected no -r with ${command.name()}: it draws from the keys that it wrote.`,
    );
  const plan = await planOf(flags);
  const { base } = plan;
  const changes = planServerChanges({
    address: addressOf(base),
    base,
    tuned: [],
    restartCommand: flags.restartCommand,
    serverCpus: flags.serverCpus,
    clientCpus: flags.clientCpus,
    yes: flags.yes ?? false,
  });
  const found = await findDriver({
    operation: base.operation,
    driver: 'builtin',
    config: base,
    launchWith: changes.launchWith,
  });
  if (flags.dryRun) return writeResult(1, dryRunText(plan, found));

  const hooks = await hooksOf(flags);
  const text = new TextView(verbosityOf(flags), useColour(2));
  await using views = new Views(await viewsOf(flags, text));
  const csv = flags.output === undefined ? undefined : CsvFile.create('--output', flags.output, plan.columns);
  using live = new LiveLine(2, verbosityOf(flags) === 'quiet' ? false : undefined);
  tell(flags, `measuring ${plan.asked}`);
  await using leftOvers = new LeftOvers({
    outputDir: flags.outputDir,
    tell: (event, atNs) => live.aside(() => views.onEvent(event, atNs)),
    password: base.auth,
  });
  await leftOvers.putBackFirst();
  using signals = listenForEnd((signal, count) => {
    if (count === 1)
      live.aside(() => text.line(`${signal}: ending; what was measured is kept, and the server put back`));
  });

  const points: Point[] = [];
  let folder = '';
  const work = async (room: Room): Promise<void> => {
    const rows = CsvFile.create('results.csv', join(folder, SESSION_FILES.results), plan.columns);
    const options = { driver: found.driver, preparations: changes.preparations };
    await asFailure(() =>
      plan.measure(options, room, {
        progress: (line) => live.draw(line),
        point: (point) => {
          points.push(point);
          rows.add(point);
          csv?.add(point);
          live.clear();
          // Why a point is missing is said in any case.
          if (plan.stateOf(point) !== 'ended' && flags.events !== true)
            writeResult(2, `stagewatch: ${plan.line(point)}\n`);
          else tell(flags, plan.line(point));
        },
      }),
    );
    const answer = answerOf(plan, points, found, room.signal.aborted);
    room.tell({ type: 'answer', answer });
    await writeWhole(join(folder, SESSION_FILES.answer), `${JSON.stringify(answer, undefined, 2)}\n`);
  };
  const about = {
    command: command.name(),
    given: givenFlags(command, base.dataset),
    question: plan.question,
    base: configData(base),
    driver: driverData(found),
  };
  const summary = await inMonitor(
    work,
    followOptions(flags, hooks, base, signals, command.name(), about),
    (event, atNs) => {
      if (event.type === 'session' && event.state === 'started') folder = event.folder;
      leftOvers.onEvent(event);
      const marker = flags.events === true ? undefined : markerOf(event);
      const change = event.type === 'setting' ? settingLine(event) : undefined;
      if (change !== undefined) live.aside(() => tell(flags, change));
      live.aside(() => {
        if (marker === undefined) views.onEvent(event, atNs);
        else writeResult(2, `${marker}\n`);
      });
    },
  );
  report(flags, plan, points, found, summary, signals);
  process.exitCode = exitCodeOf(plan, points, summary, signals);
}

function report<Point>(
  flags: BenchFlags,
  plan: StepPlan<Point>,
  points: readonly Point[],
  found: FoundDriver,
  summary: MonitorSummary,
  signals: EndSignals,
): void {
  if (flags.json !== undefined)
    writeJson(flags.json, {
      ...answerOf(plan, points, found, signals.received !== undefined),
      session: summary.folder,
    });
  if (flags.json !== true && points.length > 0) writeResult(1, `\n${plan.table(points)}\n`);
  if (flags.events === true) return;
  for (const block of closingLines({ ...summary, stages: [] }, { ...flags, quiet: true }))
    writeResult(2, `${block}\n`);
  if (!flags.quiet) writeResult(2, `session  ${nearPath(summary.folder)}\n`);
}

function answerOf<Point>(
  plan: StepPlan<Point>,
  points: readonly Point[],
  found: FoundDriver,
  isPartial: boolean,
): Data {
  const isFailed = points.some((point) => plan.stateOf(point) === 'failed');
  return {
    version: 1,
    state: isFailed ? 'failed' : isPartial ? 'partial' : 'done',
    ...plan.question,
    driver: driverData(found),
    points: points.map((point) => plan.data(point)),
  };
}

/** A signal comes first, then what failed, then what the session lacks. */
function exitCodeOf<Point>(
  plan: StepPlan<Point>,
  points: readonly Point[],
  summary: MonitorSummary,
  signals: EndSignals,
): number {
  if (signals.received) return codeOfSignal(signals.received);
  const states = points.map((point) => plan.stateOf(point));
  // Where nothing could be measured there is no answer.
  if (states.includes('failed') || !states.includes('ended')) return EXIT.benchmarkFailed;
  return codeOfFailures(summary.failures);
}

function dryRunText<Point>({ asked, runs }: StepPlan<Point>, { driver }: FoundDriver): string {
  const lines = runs.map(({ stage, config }) => `  ${stage}\n    ${commandText(config, driver)}`);
  return `Would measure ${asked}:\n${lines.join('\n')}\n`;
}
