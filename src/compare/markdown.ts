import { markdownTable, markdownText } from '../report/markdown.ts';
import type { Comparison, FigureChange, StageComparison } from './comparison.ts';
import type { FunctionChange } from './function-changes.ts';
import { metricOf } from './metric.ts';
import { figureText } from './number-text.ts';
import type { Verdict } from './verdict.ts';
import { rangeText, signedPercent } from './why.ts';

const signs: Readonly<Record<Verdict, string>> = { slower: '🔴', undecided: '❔', faster: '🟢', same: '⚪' };
const listedFunctions = 5;

/** A summary for a pull request. */
export function comparisonMarkdown(comparison: Comparison): string {
  const { verdict, base, new: fresh, margin, confidence, warnings, stages } = comparison;
  const parts = [
    `## stagewatch compare: ${signs[verdict]} ${verdict}`,
    `${markdownText(fresh)} against ${markdownText(base)}, margin ${signedPercent(margin).slice(1)}, confidence ${Number((100 * confidence).toPrecision(4))} %`,
    markdownTable(
      ['stage', 'verdict', 'figure', 'base', 'new', 'change', 'interval', 'pairs'],
      stages.map((stage) => [
        stage.stage,
        `${signs[stage.verdict]} ${stage.verdict}`,
        ...cellsOf(stage.figures.find(({ judged }) => judged)),
        countOf(stage),
      ]),
    ),
  ];
  if (warnings.length > 0)
    parts.push(warnings.map(({ code, message }) => `- ⚠️ \`${code}\` ${markdownText(message)}`).join('\n'));
  for (const { stage, why, figures, functions } of stages) {
    const others = figures.filter(({ judged }) => !judged);
    const details = [
      markdownText(why),
      ...(others.length > 0
        ? [markdownTable(['not judged', 'base', 'new', 'change', 'interval'], others.map(cellsOf))]
        : []),
      ...(functions.length > 0
        ? [
            markdownTable(
              ['function (self)', 'base', 'new', 'change'],
              functions.slice(0, listedFunctions).map(functionCells),
            ),
          ]
        : []),
    ];
    parts.push(`<details><summary>${markdownText(stage)}</summary>\n\n${details.join('\n\n')}\n\n</details>`);
  }
  return `${parts.join('\n\n')}\n`;
}

/** Title, base, new, change, interval. */
export function cellsOf(figure: FigureChange | undefined): string[] {
  if (figure === undefined) return ['-', '-', '-', '-', '-'];
  const { metric, base, new: fresh, change } = figure;
  return [
    metricOf(metric).title,
    figureText(base),
    figureText(fresh),
    signedPercent(change.ratio),
    change.interval === null ? '-' : rangeText(change.interval),
  ];
}

/** `12 pairs`; `5 against 6 runs` where they are none. */
export function countOf({ figures, runs, unpaired }: StageComparison): string {
  const pairs = figures.find(({ judged }) => judged)?.change.pairs ?? 0;
  if (unpaired !== null) return `${runs.base} against ${runs.new} runs`;
  return `${pairs} ${pairs === 1 ? 'pair' : 'pairs'}`;
}

/** Name, base, new, change: µs of a request where they are known, else shares of the samples. */
export function functionCells({ name, baseShare, newShare, baseUs, newUs }: FunctionChange): string[] {
  if (baseUs !== null && newUs !== null) {
    const change = newUs - baseUs;
    return [
      name,
      `${baseUs.toFixed(3)} µs`,
      `${newUs.toFixed(3)} µs`,
      `${change < 0 ? '-' : '+'}${Math.abs(change).toFixed(3)} µs`,
    ];
  }
  const change = 100 * (newShare - baseShare);
  return [
    name,
    `${(100 * baseShare).toFixed(2)} %`,
    `${(100 * newShare).toFixed(2)} %`,
    `${change < 0 ? '-' : '+'}${Math.abs(change).toFixed(2)} points`,
  ];
}
