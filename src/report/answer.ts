import { z } from 'zod';
import type { Report } from './report.ts';

const point = z.looseObject({
  config: z.record(z.string(), z.unknown()),
  result: z.looseObject({
    qps: z.number(),
    latencyP99: z.number(),
    recallAvg: z.number().nullish(),
  }),
  qpsInterval: z.tuple([z.number(), z.number()]).nullish(),
});
const searched = z.looseObject({
  state: z.string(),
  reason: z.string().nullish(),
  limitedBy: z.string().nullish(),
  best: point.nullish(),
  nearest: point.nullish(),
});

/** What an experiment answered, in words, a line each; nothing where something was only followed. Texts from outside. */
export function answerInWords({ answer }: Pick<Report, 'answer'>): string[] {
  const { data } = searched.safeParse(answer);
  if (data === undefined) return [];
  const { state, reason, limitedBy, best, nearest } = data;
  return [
    typeof reason === 'string' ? `${state}: ${reason}` : state,
    ...(best ? pointLines('', best) : nearest ? pointLines('nearest: ', nearest) : []),
    ...(typeof limitedBy === 'string' ? [`limited by ${limitedBy}`] : []),
  ];
}

/** The settings of a point that people turn: `efSearch 100, numClients 16`. */
export function settingsInWords(config: Readonly<Record<string, unknown>>): string {
  const shown = ['operation', 'efSearch', 'numClients', 'numThreads', 'pipeline'];
  const server = config['serverConfig'];
  return [
    ...shown.filter((name) => config[name] !== undefined).map((name) => `${name} ${String(config[name])}`),
    ...(typeof server === 'object' && server !== null
      ? Object.entries(server).map(([name, value]) => `${name}=${String(value)}`)
      : []),
  ].join(', ');
}

function pointLines(what: string, { config, result, qpsInterval }: z.infer<typeof point>): string[] {
  const interval = qpsInterval ? ` (${whole(qpsInterval[0])} to ${whole(qpsInterval[1])})` : '';
  const recall = typeof result.recallAvg === 'number' ? `, recall ${result.recallAvg.toFixed(4)}` : '';
  return [
    `${what}${whole(result.qps)} requests/s${interval}, p99 ${result.latencyP99.toFixed(3)} ms${recall}`,
    `with ${settingsInWords(config)}`,
  ];
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}
