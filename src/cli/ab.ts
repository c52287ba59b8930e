import { join } from 'node:path';
import { Command } from 'commander';
import type { BenchmarkConfig } from '../bench/config.ts';
import { findDriver, type FoundDriver } from '../bench/drivers/find.ts';
import { abSides } from '../compare/ab-sides.ts';
import { type AbEnd, type AbOptions, type AbRun, runAbPairs } from '../experiment/ab-pairs.ts';
import { asFailure } from '../experiment/as-failure.ts';
import { inMonitor } from '../experiment/in-monitor.ts';
import { planServerChanges } from '../experiment/server-changes.ts';
import { configData } from '../experiment/trial-data.ts';
import type { Room } from '../experiment/trial-source.ts';
import type { MonitorSummary } from '../monitor/options.ts';
import { writeWhole } from '../session/artifact-dir.ts';
import { SESSION_FILES } from '../session/layout.ts';
import { AbTelling } from './ab-telling.ts';
import { type AbFlags, type AbServer, addAbFlags, serversOf, takeBenchmarkWords } from './ab-flags.ts';
import { addressOf, toBaseConfig } from './bench-options.ts';
import { chooseHooks, type ChosenHooks } from './choose-hooks.ts';
import { checkOutputs, compareAndWrite } from './compare-output.ts';
import { type CsvColumns, CsvFile } from './csv-file.ts';
import { codeOfFailures, codeOfSignal, EXIT } from './exit-code.ts';
import { LeftOvers } from './left-overs.ts';
import { LiveLine } from './live-line.ts';
import { mayNameWrongHooks } from './monitor-flags.ts';
import { useColour, writeResult } from './output.ts';
import { givenFlags } from './search-resume.ts';
import { driverData, followOptions, tell, verbosityOf } from './search-run.ts';
import { commandText } from './search-text.ts';
import { markerOf } from './search-view.ts';
import { type EndSignals, listenForEnd } from './signals.ts';
import { closingLines, nearPath } from './summary.ts';
import { TextView } from './view.ts';
import { Views, viewsOf } from './views.ts';

const DEFAULTS = { pairs: 12, pairsOfPrecision: 5, maxRuns: 200, maxTimeMs: 3_600_000 } as const;

const EXAMPLES = `
Exit codes: 0 for same and faster, 1 for slower, 6 for undecided, 4 when runs failed.

Examples:
  stagewatch ab --a 6379 --b 6380 -t get -r 100000 -n 200000 --warmup 1s
  stagewatch ab --a 6379 --b 6380 --precision 1% --max-time 20m --collect-perf --html change.html -- -t set -c 50
  stagewatch ab --a 10.0.0.5:6379 --b 10.0.0.6:6379 -- valkey-benchmark -t get -n 1000000 -P 16
`;

export const command = addAbFlags(
  new Command('ab')
    .summary('compare two live servers, by pairs of runs in turns')
    .description(
      'Runs one operation on two servers in turns, A B B A, so that drift of the\n' +
        'machine meets both alike, and tells whether B is slower than A.',
    )
    .argument('[benchmark...]', 'behind --: flags of the benchmark, as they may stand before it'),
)
  .addHelpText('after', EXAMPLES)
  .action(async (words: string[], _: AbFlags, self: Command) => {
    takeBenchmarkWords(self, words);
    await runAb(self, self.opts<AbFlags>());
  });

async function runAb(self: Command, flags: AbFlags): Promise<void> {
  checkOutputs(flags);
  const servers = serversOf(flags);
  const base = await toBaseConfig({ ...flags, ...servers.a }, process.env);
  const changes = planServerChanges({
    address: addressOf(base),
    base,
    tuned: [],
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
  const length = lengthOf(flags);
  if (flags.dryRun) return writeResult(1, dryRunText(length, servers, base, found));

  const hooks = await hooksOf(flags);
  const text = new TextView(verbosityOf(flags), useColour(2));
  await using views = new Views(await viewsOf(flags, text));
  const csv = flags.output === undefined ? undefined : CsvFile.create('--output', flags.output, COLUMNS);
  using live = new LiveLine(2, verbosityOf(flags) === 'quiet' ? false : undefined);
  tell(
    flags,
    `${askedText(length)} of ${base.operation}, a ${place(servers.a)}, b ${place(servers.b)}, by ${found.why}`,
  );
  await using leftOvers = new LeftOvers({
    outputDir: flags.outputDir,
    tell: (event, atNs) => live.aside(() => views.onEvent(event, atNs)),
    password: base.auth,
  });
  await leftOvers.putBackFirst();
  using signals = listenForEnd((signal, count) => {
    if (count === 1) live.aside(() => text.line(`${signal}: ending; the pairs so far are compared`));
  });

  const telling = new AbTelling(flags, live);
  let folder = '';
  let end: AbEnd | undefined;
  const work = async (room: Room): Promise<void> => {
    const rows = CsvFile.create('results.csv', join(folder, SESSION_FILES.results), COLUMNS);
    const options = { ...length, driver: found.driver, preparations: changes.preparations, base, servers };
    await asFailure(async () => {
      end = await runAbPairs(options, room, (run) => {
        rows.add(run);
        csv?.add(run);
        telling.run(run);
      });
    });
  };
  const about = {
    command: 'ab',
    given: givenFlags(self, base.dataset),
    question: { ...servers, ...length },
    base: configData(base),
    driver: driverData(found),
  };
  const addresses = [servers.a, servers.b].map((server) => addressOf(base.with(server)));
  const summary = await inMonitor(
    work,
    {
      ...followOptions(flags, hooks, base, signals, 'ab', about),
      target: { in: 'addresses', addresses },
      allTargets: true,
      // The other one rests.
      concerns: ({ tag }, { port }) => (tag === 'a' || tag === 'b') && port === servers[tag].port,
    },
    (event, atNs) => {
      if (event.type === 'session' && event.state === 'started') folder = event.folder;
      leftOvers.onEvent(event);
      const marker = flags.events === true ? undefined : markerOf(event);
      live.aside(() => {
        if (marker === undefined) views.onEvent(event, atNs);
        else if (flags.verbose) writeResult(2, `${marker}\n`);
      });
    },
  );
  process.exitCode = await reportEnd(flags, end, summary, signals);
}

/** Compares what was measured, whatever ended it. @returns the exit code. */
async function reportEnd(
  flags: AbFlags,
  end: AbEnd | undefined,
  summary: MonitorSummary,
  signals: EndSignals,
): Promise<number> {
  const sides = end && end.pairs > 0 ? await abSides(summary.folder) : undefined;
  let verdict: number = EXIT.benchmarkFailed;
  if (sides && end) {
    const more = { ended: end.state, session: summary.folder };
    const { code, data } = compareAndWrite(...sides, flags, flags, undefined, more);
    verdict = code;
    await writeWhole(join(summary.folder, SESSION_FILES.answer), `${JSON.stringify(data, undefined, 2)}\n`);
  }
  if (flags.events !== true) {
    for (const block of closingLines({ ...summary, stages: [] }, { quiet: true }))
      writeResult(2, `${block}\n`);
    if (end && end.state !== 'done')
      writeResult(2, `stagewatch: ${ENDED[end.state]} after ${end.pairs} pairs\n`);
    if (!flags.quiet) writeResult(2, `session  ${nearPath(summary.folder)}\n`);
  }
  if (signals.received) return codeOfSignal(signals.received);
  if (end === undefined || end.state === 'failed') return EXIT.benchmarkFailed;
  return verdict === EXIT.done ? codeOfFailures(summary.failures) : verdict;
}

const ENDED: Readonly<Record<Exclude<AbEnd['state'], 'done'>, string>> = {
  'max-runs': 'ended by --max-runs',
  'max-time': 'ended by --max-time',
  stopped: 'interrupted',
  failed: 'given up, since three runs failed,',
};

/** CPU time of a request is what verdicts go by: it is taken without being asked for, where the server runs here. */
async function hooksOf(flags: AbFlags): Promise<ChosenHooks> {
  const own = ['server-metrics,hz=0', 'threads,hz=0'];
  const { hook = [] } = flags;
  const asked = flags.collectPerf === true || mayNameWrongHooks(flags);
  // What is given comes after, and wins.
  return { ...(await chooseHooks({ ...flags, hook: [...own, ...hook] })), asked };
}

type Length = Pick<AbOptions, 'pairs' | 'precision' | 'maxRuns' | 'maxTimeMs'>;

function lengthOf({ pairs, precision, maxRuns, maxTime }: AbFlags): Length {
  const wanted = pairs ?? (precision === undefined ? DEFAULTS.pairs : DEFAULTS.pairsOfPrecision);
  return {
    pairs: wanted,
    ...(precision === undefined ? {} : { precision }),
    maxRuns: maxRuns ?? Math.max(DEFAULTS.maxRuns, 2 * wanted),
    maxTimeMs: maxTime ?? DEFAULTS.maxTimeMs,
  };
}

function askedText({ pairs, precision, maxRuns }: Length): string {
  return precision === undefined
    ? `${pairs} pairs`
    : `pairs until the change is known to ${Number((100 * precision).toPrecision(3))} %, at most ${Math.floor(maxRuns / 2)},`;
}

function dryRunText(
  length: Length,
  { a, b }: { readonly a: AbServer; readonly b: AbServer },
  base: BenchmarkConfig,
  { driver, why }: FoundDriver,
): string {
  const line = (side: string, server: AbServer): string =>
    `  ${side}  ${commandText(base.with(server), driver)}`;
  return `Would run ${askedText(length)} of ${base.operation} in turns, a b b a, by ${why}:\n${line('a', a)}\n${line('b', b)}\n`;
}

const COLUMNS: CsvColumns<AbRun> = [
  ['pair', ({ pair }) => pair],
  ['side', ({ side }) => side],
  ['state', ({ outcome }) => outcome.state],
  ['qps', ({ outcome }) => (outcome.state === 'measured' ? outcome.result.qps : null)],
  ['latency_p50', ({ outcome }) => (outcome.state === 'measured' ? outcome.result.latencyP50 : null)],
  ['latency_p99', ({ outcome }) => (outcome.state === 'measured' ? outcome.result.latencyP99 : null)],
  ['recall_avg', ({ outcome }) => (outcome.state === 'measured' ? outcome.result.recallAvg : null)],
];

const place = ({ host, port }: AbServer): string => `${host}:${port}`;
