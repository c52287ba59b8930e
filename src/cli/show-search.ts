import { z } from 'zod';
import type { Report, ReportTrial } from '../report/report.ts';
import { printable, table } from './text.ts';

const shownAnswer = z.looseObject({
  state: z.string(),
  reason: z.string().optional(),
  limitedBy: z.string().nullish(),
  best: z
    .looseObject({
      config: z.record(z.string(), z.unknown()),
      result: z.looseObject({
        qps: z.number(),
        latencyP99: z.number(),
        recallAvg: z.number().nullable().optional(),
      }),
      qpsInterval: z.tuple([z.number(), z.number()]).nullish(),
    })
    .nullish(),
});

/** What a search answered, in words. */
export function answerLines({ answer }: Report): string[] {
  const { data } = shownAnswer.safeParse(answer);
  if (data === undefined) return [];
  const { state, reason, limitedBy, best } = data;
  const lines = [printable(reason === undefined ? state : `${state}: ${reason}`, 400)];
  if (best) {
    const { config, result, qpsInterval } = best;
    const interval = qpsInterval ? ` (${whole(qpsInterval[0])} to ${whole(qpsInterval[1])})` : '';
    const recall = typeof result.recallAvg === 'number' ? `, recall ${result.recallAvg.toFixed(4)}` : '';
    lines.push(
      `${whole(result.qps)} requests/s${interval}, p99 ${result.latencyP99.toFixed(3)} ms${recall}`,
      `with ${printable(settingsOf(config), 200)}`,
    );
  }
  if (typeof limitedBy === 'string') lines.push(`limited by ${printable(limitedBy, 60)}`);
  return lines;
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

function settingsOf(config: Readonly<Record<string, unknown>>): string {
  const shown = ['operation', 'efSearch', 'numClients', 'numThreads', 'pipeline'];
  const server = Object.entries((config['serverConfig'] ?? {}) as object);
  return [
    ...shown.filter((name) => config[name] !== undefined).map((name) => `${name} ${String(config[name])}`),
    ...server.map(([name, value]) => `${name}=${String(value)}`),
  ].join(', ');
}

function figure(value: unknown, digits: number): string {
  return typeof value === 'number'
    ? value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
    : '';
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}
