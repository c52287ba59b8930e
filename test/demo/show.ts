import { relative } from 'node:path';
import { table } from '../../src/cli/text.ts';
import type { StageOutcome } from './outcome.ts';

/** What each stage came to. */
export function showTable(outcomes: readonly StageOutcome[]): void {
  const whole = (value: number): string => Math.round(value).toLocaleString('en');
  const head = ['stage', 'QPS', 'p99', 'recall@10', 'CPU µs/query'];
  const withFunctions = outcomes.some(({ hottest }) => hottest !== undefined);
  if (withFunctions) head.push('most CPU in');
  const rows = outcomes.map(({ stage, qps, p99Ms, recall, cpuUsPerRequest, hottest }) => [
    stage,
    whole(qps),
    p99Ms === undefined ? '-' : `${p99Ms.toFixed(2)} ms`,
    recall === undefined ? '-' : recall.toFixed(3),
    cpuUsPerRequest === undefined ? '-' : whole(cpuUsPerRequest),
    hottest === undefined ? '-' : `${hottest.name.slice(0, 40)} ${Math.round(hottest.share * 100)} %`,
  ]);
  process.stdout.write(`\n${table(head, withFunctions ? rows : rows.map((row) => row.slice(0, 5)))}\n\n`);
}

/** Where to look next. @param session the folder. */
export function showNext(session: string, outcomes: readonly StageOutcome[], hasPerf: boolean): void {
  const last = outcomes.findLast(({ flamegraph }) => flamegraph !== undefined);
  if (last?.flamegraph !== undefined)
    say(`flame graph of ${last.stage}: open ${relative('.', last.flamegraph)} in a browser`);
  else if (!hasPerf)
    say(
      'perf is not installed. With it, each stage would also have a flame graph: which functions those CPU µs went into.\n' +
        '  Debian: sudo apt install linux-perf; Ubuntu: sudo apt install linux-tools-generic; Fedora: sudo dnf install perf',
    );
  else say('perf is installed, but gave no flame graph: stagewatch doctor tells why, and what mends it');
  if (outcomes.every(({ cpuUsPerRequest }) => cpuUsPerRequest === undefined))
    say('CPU µs/query is missing: it can be read for a server on this machine only, by its user or by root');
  say(`session: ${relative('.', session) || session}; span.json of each stage says what was captured

Next (\`npx stagewatch\` here):
  stagewatch doctor              what can be profiled on this machine
  stagewatch engine --port 6400  a server to play with; then, in another terminal:
  stagewatch dataset make --count 10000 --dim 64 --metric cosine --output demo
  stagewatch run --collect-perf -p 6400 -- npx stagewatch load -p 6400 -t vec-load,vec-query --dataset demo --stage demo
and with a benchmark of yours that prints stage markers:
  YOUR-BENCHMARK 2>&1 | stagewatch monitor --watch vec-query --collect-perf`);
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
