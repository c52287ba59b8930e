import { appendFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { BenchmarkConfig } from '../bench/config.ts';
import type { FoundDriver } from '../bench/drivers/find.ts';
import { findDriver } from '../bench/drivers/find.ts';
import { BinaryNotFoundError } from '../bench/error.ts';
import { messageOf, UsageError } from '../error.ts';
import { runExperiment } from '../experiment/experiment.ts';
import type { FollowOptions } from '../experiment/in-monitor.ts';
import { planServerChanges } from '../experiment/server-changes.ts';
import { answerData, configData, type Data } from '../experiment/trial-data.ts';
import { trialHead, trialRow } from '../experiment/trial-rows.ts';
import type { MonitorSummary } from '../monitor/options.ts';
import type { Constraints, Measure, ParameterName, Search, SearchAnswer } from '../search/contract.ts';
import { redactArgv, redactData } from '../target/redact.ts';
import type { BenchFlags } from './bench-flags.ts';
import { addressOf, toBaseConfig, toBenchTarget } from './bench-options.ts';
import { chooseHooks, type ChosenHooks } from './choose-hooks.ts';
import { codeOfFailures, codeOfSignal, EXIT } from './exit-code.ts';
import { LeftOvers } from './left-overs.ts';
import { mayNameWrongHooks } from './monitor-flags.ts';
import { useColour, writeJson, writeResult } from './output.ts';
import { givenFlags, Past, type ExperimentAbout } from './search-resume.ts';
import { SearchView } from './search-view.ts';
import { listenForEnd, type EndSignals } from './signals.ts';
import { closingLines, nearPath } from './summary.ts';
import { version } from './version.ts';
import { TextView } from './view.ts';
import { viewsOf, Views } from './views.ts';

/** What one command makes of its flags. */
export interface SearchPlan {
  /** In words: `seeking the highest QPS with recall >= 0.95`. */
  readonly asked: string;
  /** What stands in each stage's tag. */
  readonly tuned: readonly ParameterName[];
  readonly constraints: Constraints;
  readonly search: (measure: Measure, signal: AbortSignal) => Search;
  /** For session.json. */
  readonly question: Data;
  /** What `--dry-run` shows beside that. */
  readonly dryRun: (found: FoundDriver) => string;
  /** For people. */
  readonly answerText: (answer: SearchAnswer, found: FoundDriver) => string;
}

/**
 * Runs a command that searches: its flags (and those of the session that it goes on with), the program, the experiment
 * under the monitor, the answer. Sets the exit code.
 */
export async function runSearch<Flags extends BenchFlags & { readonly resume?: string }>(
  command: Command,
  planOf: (flags: Flags, base: BenchmarkConfig) => SearchPlan,
): Promise<void> {
  const { resume } = command.opts<Flags>();
  const past = resume === undefined ? undefined : await Past.open(resume, command.name());
  const flags = past ? past.flags<Flags>(command) : command.opts<Flags>();
  const base = await toBaseConfig(flags, process.env);
  const plan = planOf(flags, base);
  const changes = planServerChanges({
    address: addressOf(base),
    base,
    tuned: plan.tuned,
    restartCommand: flags.restartCommand,
    serverCpus: flags.serverCpus,
    clientCpus: flags.clientCpus,
    yes: flags.yes ?? false,
  });
  const found = await findDriver({
    operation: base.operation,
    config: base,
    launchWith: changes.launchWith,
    ...(flags.binary === undefined ? {} : { binary: flags.binary }),
    ...(flags.driver === undefined ? {} : { driver: flags.driver }),
  });
  past?.demandSame(found.driver);
  found.driver.commandLine(base); // refuses what the program cannot be told, before a session is made
  if (flags.dryRun) return writeResult(1, plan.dryRun(found));

  const hooks = await hooksOf(flags);
  const text = new TextView(verbosityOf(flags), useColour(2));
  await using views = new Views(await viewsOf(flags, text));
  const csv = flags.output === undefined ? undefined : new TrialsFile(flags.output);
  using view = new SearchView({
    tuned: plan.tuned,
    constraints: plan.constraints,
    views,
    verbosity: flags.events === true ? 'silent' : verbosityOf(flags),
    onTrial: (trial, stage) => csv?.add(trialRow(trial, stage)),
  });
  if (flags.pass !== undefined)
    tell(flags, '-a shows the password in ps and in the shell history: VALKEYCLI_AUTH does not');
  tell(flags, `${plan.asked}, by ${found.why}`);
  await using leftOvers = new LeftOvers({
    outputDir: flags.outputDir,
    tell: view.onEvent,
    password: base.auth,
  });
  await leftOvers.putBackFirst();
  using signals = listenForEnd((signal, count) => {
    if (count === 1) view.line(`${signal}: ending; the trials so far are kept`);
  });
  const about: ExperimentAbout = {
    command: command.name(),
    given: { ...past?.given, ...givenFlags(command, base.dataset) },
    question: plan.question,
    base: configData(base),
    driver: driverData(found),
    ...(past ? { resumedFrom: past.folder } : {}),
  };
  const end = await runExperiment(
    {
      driver: found.driver,
      search: plan.search,
      tuned: plan.tuned,
      preparations: changes.preparations,
      past: past?.trials(base) ?? [],
    },
    followOptions(flags, hooks, base, signals, command.name(), about),
    {
      onEvent: (event, atNs) => {
        view.onEvent(event, atNs);
        leftOvers.onEvent(event);
      },
      onStep: view.onStep,
      run: view.run,
    },
  );
  view[Symbol.dispose]();
  report(flags, end.answer, end.summary, found, plan);
  if (signals.received && command.options.some(({ long }) => long === '--resume'))
    tell(flags, `go on with: stagewatch ${command.name()} --resume ${nearPath(end.summary.folder)}`);
  process.exitCode = exitCodeOf(end.answer, end.summary, signals);
}

function report(
  flags: BenchFlags,
  answer: SearchAnswer | undefined,
  summary: MonitorSummary,
  found: FoundDriver,
  plan: SearchPlan,
): void {
  if (answer && flags.json !== undefined)
    writeJson(flags.json, { ...answerData(answer), driver: driverData(found), session: summary.folder });
  if (answer && flags.json !== true) writeResult(1, `\n${plan.answerText(answer, found)}`);
  if (flags.events === true) return;
  // The trials' lines have said what the table of stages would.
  for (const block of closingLines({ ...summary, stages: [] }, { ...flags, quiet: true }))
    writeResult(2, `${block}\n`);
  if (!flags.quiet) writeResult(2, `session  ${nearPath(summary.folder)}\n`);
}

/** No hook runs, and no server is looked for, where nobody asked for any. */
export async function hooksOf(flags: BenchFlags): Promise<ChosenHooks> {
  if (flags.collectPerf || mayNameWrongHooks(flags)) return { ...(await chooseHooks(flags)), asked: true };
  return { plan: [], asked: false, watch: flags.watch ?? [], skip: flags.skip ?? [] };
}

export function followOptions(
  flags: BenchFlags,
  hooks: ChosenHooks,
  base: BenchmarkConfig,
  signals: EndSignals,
  label: string,
  experiment: ExperimentAbout,
): FollowOptions {
  return {
    watch: hooks.watch,
    skip: hooks.skip,
    hooks: hooks.plan,
    hooksAsked: hooks.asked,
    target: toBenchTarget(flags, base),
    // Hooks that can do without the server do, where it runs elsewhere: unless a process was named.
    needsTarget: [
      flags.serverPid,
      flags.serverPort,
      flags.serverName,
      flags.container,
      flags.perfScript,
    ].some((flag) => flag !== undefined),
    allTargets: flags.allServers ?? false,
    outputDir: flags.outputDir,
    label: flags.label ?? label,
    maxSpanMs: flags.maxSpan,
    about: {
      label: flags.label ?? label,
      command: redactArgv(['stagewatch', ...process.argv.slice(2)]),
      versions: { stagewatch: version, node: process.versions.node },
      hooks: hooks.plan.map(({ hook, from, options }) => ({
        name: hook.name,
        from,
        options: redactData(options),
      })),
      experiment,
    },
    stop: signals.stop,
    hurry: signals.hurry,
  };
}

/** A signal comes first, then the answer, then what the session lacks. */
function exitCodeOf(answer: SearchAnswer | undefined, summary: MonitorSummary, signals: EndSignals): number {
  if (signals.received) return codeOfSignal(signals.received);
  switch (answer?.state) {
    case 'infeasible':
      return EXIT.targetNotMet;
    case 'undecided':
      return EXIT.undecided;
    case 'failed':
      return answer.error instanceof BinaryNotFoundError ? EXIT.notInstalled : EXIT.benchmarkFailed;
    default:
      return codeOfFailures(summary.failures);
  }
}

/** `--output`: every trial as it ends, so that a crash loses none. */
class TrialsFile {
  readonly #path: string;
  #hasFailed = false;

  /** @throws {UsageError} output-file, when it cannot be written. */
  constructor(path: string) {
    this.#path = path;
    try {
      writeFileSync(path, trialHead);
    } catch (cause) {
      throw new UsageError(
        'output-file',
        `Expected --output to be a file that can be written, got "${path}": ${messageOf(cause)}`,
        { cause },
      );
    }
  }

  /** A disk that is full now ends no search: results.csv of the session is another try, and tells it. */
  add(row: string): void {
    try {
      appendFileSync(this.#path, row);
    } catch (error) {
      if (!this.#hasFailed) writeResult(2, `stagewatch: --output: ${messageOf(error)}\n`);
      this.#hasFailed = true;
    }
  }
}

export function driverData({ driver }: FoundDriver): { name: string; version: string; binary?: string } {
  const { name, version, binary } = driver;
  return { name, version, ...(binary === undefined ? {} : { binary }) };
}

export function verbosityOf(flags: BenchFlags): 'quiet' | 'normal' | 'verbose' {
  if (flags.quiet || flags.events === true) return 'quiet';
  return flags.verbose ? 'verbose' : 'normal';
}

export function tell(flags: BenchFlags, message: string): void {
  if (!flags.quiet && flags.events !== true) writeResult(2, `stagewatch: ${message}\n`);
}
