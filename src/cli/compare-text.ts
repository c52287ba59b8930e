import type { Comparison, Outlier, StageComparison } from '../compare/comparison.ts';
import { cellsOf, countOf, functionCells } from '../compare/markdown.ts';
import { figureText } from '../compare/number-text.ts';
import { printable, table } from './text.ts';

/** For people: what was compared, a line for each stage, then each stage by itself. */
export function comparisonText(comparison: Comparison): string {
  const { base, new: fresh, margin, confidence, warnings, stages } = comparison;
  const blocks = [
    [
      `base  ${printable(base, 400)}`,
      `new   ${printable(fresh, 400)}`,
      `margin ${number(100 * margin)} %, confidence ${number(100 * confidence)} %`,
      ...warnings.map(({ code, message }) => `warning: ${code}: ${printable(message, 600)}`),
    ].join('\n'),
    table(
      ['stage', 'verdict', 'figure', 'base', 'new', 'change', 'interval', 'runs'],
      stages.map((stage) => [
        printable(stage.stage, 60),
        stage.verdict,
        ...cellsOf(stage.figures.find(({ judged }) => judged)),
        countOf(stage),
      ]),
    ),
    ...stages.map(stageText),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function stageText({ stage, verdict, why, unpaired, figures, outliers, functions }: StageComparison): string {
  const judged = figures.find((figure) => figure.judged);
  const others = figures.filter((figure) => figure !== judged);
  const lines = [`${printable(stage, 60)}: ${verdict}`, `  ${why}`];
  if (judged !== undefined)
    lines.push(
      unpaired === null
        ? `  by ${judged.change.pairs === 1 ? 'one pair' : `${judged.change.pairs} pairs`}${methodText(judged.change.method)}`
        : `  not by pairs, since ${unpaired}${methodText(judged.change.method)}`,
    );
  const far = [...outliers].map(
    (outlier) => `  far from its side's other runs: ${outlierText(outlier)}; it counts`,
  );
  lines.push(...far);
  if (others.length > 0)
    lines.push(indented(table(['not judged', 'base', 'new', 'change', 'interval'], others.map(cellsOf))));
  if (functions.length > 0)
    lines.push(
      indented(
        table(
          ['function (self)', 'base', 'new', 'change'],
          functions.map((change) => {
            const [name = '', ...cells] = functionCells(change);
            return [printable(name, 60), ...cells];
          }),
        ),
      ),
    );
  return lines.join('\n');
}

function methodText(method: string): string {
  return method === 'none' ? '' : ` (${method})`;
}

function outlierText({ side, session, span, value }: Outlier): string {
  return `${figureText(value)}, ${side}, span ${span} of ${printable(session, 200)}`;
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}

/** Without the digits that binary fractions add. */
function number(value: number): string {
  return String(Number(value.toPrecision(4)));
}
