import type { PageSession } from '../../src/report/page-data.ts';
import type { ReportTrial } from '../../src/report/report.ts';
import { el } from '../element.ts';
import { answerOf, constraintsOf, settings, type Answer, type Constraints } from './answer.ts';
import { figure } from './format.ts';
import { parameterName, setting, turned } from './parameters.ts';
import { pointsOf, pointsView } from './points.ts';
import { scatter, type Scatter, type ScatterPoint } from './scatter.ts';
import { section, table, tableBehind } from './table.ts';

type Measured = ReportTrial & { readonly state: 'measured' };

interface Asked extends Constraints {
  readonly answer: Answer | undefined;
  readonly isConfirmed: boolean;
}

interface Metric {
  readonly key: 'qps' | 'latencyP99' | 'recallAvg';
  readonly title: string;
}

const metrics: readonly Metric[] = [
  { key: 'qps', title: 'QPS' },
  { key: 'latencyP99', title: 'p99 (ms)' },
  { key: 'recallAvg', title: 'recall' },
];

/** Trials against each parameter that was turned, with the limits as lines, and the frontier. */
export function searchSection(session: PageSession): HTMLElement {
  const { trials } = session;
  const points = pointsOf(session);
  if (points.length > 0) return section('search', 'Steps', ...pointsView(points));
  const asked: Asked = {
    ...constraintsOf(session),
    answer: answerOf(session),
    // The answer is the mean of fresh runs alone, where there were any.
    isConfirmed: trials.some(({ purpose }) => purpose === 'confirm'),
  };
  const measured = trials.filter((trial): trial is Measured => trial.state === 'measured');
  const parameters = turned(trials);
  const charts = parameters.flatMap((parameter) =>
    metrics
      .filter(({ key }) => measured.some((trial) => value(trial, key) !== undefined))
      .map((metric) => chartOf(parameter, metric, measured, asked)),
  );
  return section(
    'search',
    'Search',
    el('div', { class: 'charts' }, ...charts, ...frontier(measured, asked)),
    trialTable(trials),
  );
}

function chartOf(
  parameter: string,
  { key, title }: Metric,
  measured: readonly Measured[],
  asked: Asked,
): HTMLElement {
  const points = measured.flatMap((trial): ScatterPoint[] => {
    const x = setting(trial.config, parameter);
    const y = value(trial, key);
    return x === undefined || y === undefined
      ? []
      : [{ x, y, label: labelOf(trial), kind: kindOf(trial, asked), group: settings(trial.config) }];
  });
  const { minRecall, maxLatencyP99 } = asked;
  const limit =
    key === 'latencyP99' && maxLatencyP99 !== undefined
      ? { at: maxLatencyP99, label: 'wanted p99' }
      : key === 'recallAvg' && minRecall !== undefined
        ? { at: minRecall, label: 'wanted recall' }
        : undefined;
  const name = parameterName(parameter);
  const plot: Scatter = {
    title: `${title} against ${name}: ${points.length} trials`,
    xName: name,
    yName: title,
    points,
    ...(limit ? { limit: { axis: 'y', ...limit } } : {}),
  };
  return el('figure', {}, el('figcaption', {}, `${title} against ${name}`), scatter(plot));
}

/** What no other point beats in recall and QPS at once. */
function frontier(measured: readonly Measured[], asked: Asked): HTMLElement[] {
  const points = measured.flatMap((trial): ScatterPoint[] => {
    const x = value(trial, 'recallAvg');
    const y = value(trial, 'qps');
    return x === undefined || y === undefined
      ? []
      : [{ x, y, label: labelOf(trial), kind: kindOf(trial, asked), group: settings(trial.config) }];
  });
  if (points.length < 2) return [];
  const line: ScatterPoint[] = [];
  for (const point of points.toSorted((a, b) => b.x - a.x || b.y - a.y))
    if (line.length === 0 || point.y > line.at(-1)!.y) line.push(point);
  const wanted = asked.minRecall;
  return [
    el(
      'figure',
      {},
      el('figcaption', {}, 'QPS against recall, and the frontier'),
      scatter({
        title: `QPS against recall: ${points.length} trials`,
        xName: 'recall',
        yName: 'QPS',
        points,
        line: line.toReversed(),
        ...(wanted === undefined ? {} : { limit: { axis: 'x', at: wanted, label: 'wanted recall' } }),
      }),
    ),
  ];
}

function trialTable(trials: readonly ReportTrial[]): HTMLElement {
  return tableBehind(`${trials.length} trials as a table`, () =>
    table(
      'Trials, in order',
      ['trial', 'why', 'stage', 'settings', 'QPS', 'p99 ms', 'recall', 'profile'],
      trials.map((trial) => [
        trial.number,
        trial.purpose,
        trial.stage,
        settings(trial.config),
        ...(trial.state === 'measured'
          ? metrics.map(({ key }) => {
              const found = value(trial, key);
              return found === undefined ? '' : key === 'recallAvg' ? found.toFixed(4) : figure(found);
            })
          : [trial.state === 'failed' ? `${trial.code}: ${trial.message}` : 'not ended', '', '']),
        trial.span === undefined ? '' : el('a', { href: `#span-${trial.span}` }, `stage ${trial.span}`),
      ]),
    ),
  );
}

function value({ result }: Measured, key: Metric['key']): number | undefined {
  const found = result[key];
  return typeof found === 'number' && Number.isFinite(found) ? found : undefined;
}

function kindOf(
  trial: Measured,
  { minRecall, maxLatencyP99, answer, isConfirmed }: Asked,
): ScatterPoint['kind'] {
  const recall = value(trial, 'recallAvg');
  const p99 = value(trial, 'latencyP99');
  const chosen = answer?.best?.config;
  const isRun = !isConfirmed || trial.purpose === 'confirm';
  if (chosen && isRun && turnedAlike(trial.config, chosen)) return 'chosen';
  const refused =
    (minRecall !== undefined && recall !== undefined && recall < minRecall) ||
    (maxLatencyP99 !== undefined && p99 !== undefined && p99 > maxLatencyP99);
  return refused ? 'refused' : 'trial';
}

function turnedAlike(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  return settings(a) === settings(b);
}

function labelOf(trial: Measured): string {
  const figures = metrics.flatMap(({ key, title }) => {
    const found = value(trial, key);
    return found === undefined ? [] : [`${title} ${figure(found)}`];
  });
  return `trial ${trial.number} (${trial.purpose}): ${settings(trial.config)}; ${figures.join(', ')}`;
}
