import type { BenchmarkConfig } from '../bench/config.ts';
import type { Driver } from '../bench/driver.ts';
import type { ResultWarning } from '../bench/result.ts';
import type {
  Best,
  Constraints,
  FrontierPoint,
  LimitedBy,
  ParameterName,
  SearchAnswer,
  Trial,
} from '../search/contract.ts';
import { pointsOf } from '../search/frontier.ts';
import { valueOf } from '../search/parameter.ts';
import { flagName } from './search-question.ts';
import { count, figures, pointText } from './search-view.ts';
import { printable, table } from './text.ts';
import { shellLine } from './words.ts';

/** What the answer is read against. */
export interface Asked {
  readonly constraints: Constraints;
  readonly tuned: readonly ParameterName[];
  readonly driver: Driver;
}

/** Rows of the frontier that are shown; the JSON has all. */
const FRONTIER_ROWS = 12;

/** The answer in words, for people. */
export function answerText(answer: SearchAnswer, asked: Asked): string {
  const blocks = [headline(answer, asked), ...frontier(answer, asked)];
  const best = answer.state === 'found' ? answer.best : undefined;
  if (best) blocks.push(reproduction(best.config, asked.driver));
  return `${blocks.join('\n\n')}\n`;
}

/** `the highest QPS with recall >= 0.95 and p99 <= 10 ms`. */
export function questionText({ minRecall, maxLatencyP99 }: Constraints): string {
  const wanted = [
    ...(minRecall === undefined ? [] : [`recall >= ${minRecall}`]),
    ...(maxLatencyP99 === undefined ? [] : [`p99 <= ${maxLatencyP99} ms`]),
  ];
  return `the highest QPS${wanted.length === 0 ? '' : ` with ${wanted.join(' and ')}`}`;
}

function headline(answer: SearchAnswer, { constraints, tuned }: Asked): string {
  const question = questionText(constraints);
  switch (answer.state) {
    case 'found':
      return [
        `Found ${question}: ${count(answer.best.result.qps)} req/s`,
        `  at        ${pointText(answer.best.config, tuned)}`,
        ...bestLines(answer.best),
        ...(answer.limitedBy === null ? [] : [`  limit     ${LIMITS[answer.limitedBy]}`]),
      ].join('\n');
    case 'infeasible':
    case 'undecided':
      return [
        `${answer.state === 'infeasible' ? 'Infeasible' : 'Undecided'}: ${question}`,
        `  why       ${printable(answer.reason, 600)}`,
        ...(answer.nearest
          ? [
              `  nearest   ${pointText(answer.nearest.config, tuned)}: ${figures(answer.nearest.result)}`,
              ...bestLines(answer.nearest),
            ]
          : []),
      ].join('\n');
    case 'failed':
      return failureText(answer).trimEnd();
  }
}

/** Why there is no result, and the last that the benchmark said. */
export function failureText(answer: Exclude<SearchAnswer, { state: 'found' }>): string {
  if (answer.state !== 'failed') return `No result: ${printable(answer.reason, 1_000)}\n`;
  const { message, lastLines } = answer.error;
  return [
    `Failed: ${printable(message, 1_000)}`,
    ...lastLines.map((line) => `  | ${printable(line, 300)}`),
    '',
  ].join('\n');
}

/** Of a run for its own sake: as scripts of the older framework printed it, and how to run it again. */
export function runText(best: Best, driver: Driver): string {
  const { result, qpsInterval, runs } = best;
  const lines = [
    result.toString(),
    ...(qpsInterval === null
      ? []
      : [`Mean of ${runs} runs, QPS ${count(qpsInterval[0])} to ${count(qpsInterval[1])} (95 % interval)`]),
    ...result.errors.map(({ kind, count: times }) => `Errors: ${printable(kind)} ${times}`),
    ...oneOfEach(result.warnings).map(({ message }) => `Warning: ${printable(message, 400)}`),
  ];
  return `${lines.join('\n')}\n\n${reproduction(best.config, driver)}\n`;
}

const LIMITS: Readonly<Record<LimitedBy, string>> = {
  recall: 'recall: what is faster finds too little',
  p99: 'p99: more load takes too long',
  saturation: 'saturation: more load brings no more QPS',
  range: 'the range: its edge is the best; a wider one may hold more',
  budget: 'the budget: it was spent before the search was done; --max-runs and --max-time extend it',
};

function bestLines({ result, runs, qpsInterval }: Best): string[] {
  const { latencyAvg, latencyP50, latencyP95, latencyP99, latencyMax } = result;
  const { recallAvg, recallMin, recallMax, errors } = result;
  const ms = (value: number): string => value.toFixed(3);
  const failed = errors.reduce((sum, error) => sum + error.count, 0);
  return [
    `  QPS       ${count(result.qps)}${qpsInterval === null ? '' : `, ${count(qpsInterval[0])} to ${count(qpsInterval[1])} (95 % interval)`}, ${runs === 1 ? '1 run' : `${runs} runs`}`,
    `  latency   avg ${ms(latencyAvg)}  p50 ${ms(latencyP50)}  p95 ${ms(latencyP95)}  p99 ${ms(latencyP99)}  max ${ms(latencyMax)} ms`,
    ...(recallAvg === null
      ? []
      : [
          `  recall    avg ${recallAvg.toFixed(4)}${recallMin === null ? '' : `  min ${recallMin.toFixed(4)}`}${recallMax === null ? '' : `  max ${recallMax.toFixed(4)}`}`,
        ]),
    ...(failed > 0 ? [`  errors    ${count(failed)}`] : []),
    ...oneOfEach(result.warnings).map(({ message }) => `  warning   ${printable(message, 400)}`),
  ];
}

/** Runs of one point say the same with other figures. */
function oneOfEach(warnings: readonly ResultWarning[]): ResultWarning[] {
  return [...new Map(warnings.map((warning) => [warning.code, warning])).values()];
}

/** One point says nothing that the headline does not. */
function frontier({ frontier }: SearchAnswer, { tuned }: Asked): string[] {
  if (frontier.length < 2) return [];
  const shown = frontier.slice(-FRONTIER_ROWS);
  const left = frontier.length - shown.length;
  const what = shown.some(({ recallAvg }) => recallAvg !== null) ? 'QPS, p99 and recall' : 'QPS and p99';
  return [
    `No other point beats these in ${what} at once:\n${pointRows(shown, tuned)}${left > 0 ? `\n(and ${left} more; --json has all)` : ''}`,
  ];
}

/** Every point that was measured, in the order of its first run. */
export function pointTable(trials: readonly Trial[], tuned: readonly ParameterName[]): string {
  return pointRows(pointsOf(trials), tuned);
}

function pointRows(points: readonly FrontierPoint[], tuned: readonly ParameterName[]): string {
  const hasRecall = points.some(({ recallAvg }) => recallAvg !== null);
  const head = [...tuned.map(flagName), 'QPS', 'p99 ms', ...(hasRecall ? ['recall'] : []), 'runs'];
  const rows = points.map(({ config, qps, recallAvg, latencyP99, runs }) => [
    ...tuned.map((name) => String(valueOf(config, name) ?? 'default')),
    count(qps),
    latencyP99.toFixed(3),
    ...(hasRecall ? [recallAvg?.toFixed(4) ?? ''] : []),
    String(runs),
  ]);
  return table(head, rows);
}

function reproduction(config: BenchmarkConfig, driver: Driver): string {
  return `Again     ${commandText(config, driver)}`;
}

/** The command of a run, and before it what the server has to be told. */
export function commandText(config: BenchmarkConfig, driver: Driver): string {
  const settings = Object.entries(config.serverConfig).map(([name, value]) => `CONFIG SET ${name} ${value}`);
  const before = settings.length === 0 ? '' : `(after ${settings.join(', ')}) `;
  return `${before}${shellLine(driver.commandLine(config))}`;
}
