import { answerInWords } from '../report/answer.ts';
import type { Report, ReportTrial } from '../report/report.ts';
import { printable, table } from './text.ts';

/** What an experiment answered. */
export function answerLines(report: Report): string[] {
  return answerInWords(report).map((line) => printable(line, 400));
}

/** The trials of a search, in order. @param most rows; the rest is told. */
export function trialTable(trials: readonly ReportTrial[], most: number): string[] {
  if (trials.length === 0) return [];
  const rows = trials
    .slice(0, most)
    .map((trial) => [
      `${trial.number} ${printable(trial.stage, 50)}`,
      trial.purpose,
      ...(trial.state === 'measured'
        ? [
            figure(trial.result['qps'], 0),
            figure(trial.result['latencyP99'], 3),
            figure(trial.result['recallAvg'], 4),
          ]
        : ['', '', '']),
      trial.state === 'failed'
        ? printable(`${trial.code}: ${trial.message}`, 80)
        : trial.state === 'open'
          ? 'not ended'
          : '',
    ]);
  const left = trials.length > most ? [`and ${trials.length - most} more`] : [];
  return [...table(['trial', 'why', 'QPS', 'p99 ms', 'recall', ''], rows).split('\n'), ...left];
}

function figure(value: unknown, digits: number): string {
  return typeof value === 'number'
    ? value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
    : '';
}
