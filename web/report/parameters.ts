import type { ReportTrial } from '../../src/report/report.ts';

type Config = Readonly<Record<string, unknown>>;

const candidates = ['efSearch', 'numClients', 'numThreads', 'pipeline', 'rps', 'dataSize', 'k'] as const;

/** A setting of the server stands among the parameters as `config:NAME`. */
const serverPrefix = 'config:';

/** The settings that differ between trials: what was turned. */
export function turned(trials: readonly ReportTrial[]): string[] {
  const names = new Set<string>(candidates);
  for (const { config } of trials)
    for (const name of Object.keys((config['serverConfig'] as object | undefined) ?? {}))
      names.add(serverPrefix + name);
  return [...names].filter((name) => {
    const values = new Set(trials.map(({ config }) => setting(config, name)));
    values.delete(undefined);
    return values.size > 1;
  });
}

/** The value of a parameter in a configuration; undefined where it is no number. */
export function setting(config: Config, name: string): number | undefined {
  const found = name.startsWith(serverPrefix)
    ? (config['serverConfig'] as Config | undefined)?.[name.slice(serverPrefix.length)]
    : config[name];
  const number = typeof found === 'string' ? Number(found) : found;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** As flags and columns call it. */
export function parameterName(parameter: string): string {
  const names: Readonly<Record<string, string>> = {
    efSearch: 'ef_search',
    numClients: 'clients',
    numThreads: 'threads',
    dataSize: 'value bytes',
  };
  return names[parameter] ?? parameter.replace(/^config:/, '');
}

export interface Neighbour {
  readonly parameter: string;
  readonly value: number;
  readonly trial: ReportTrial;
}

/**
 * The trials beside one: those that differ in one parameter only, by one step of what was tried. Of repeated ones the
 * last.
 * @param among those that may be named.
 */
export function neighbourTrials(
  of: ReportTrial,
  trials: readonly ReportTrial[],
  among: (trial: ReportTrial) => boolean,
): Neighbour[] {
  const parameters = turned(trials);
  return parameters.flatMap((parameter) => {
    const here = setting(of.config, parameter);
    if (here === undefined) return [];
    const others = parameters.filter((other) => other !== parameter);
    const line = trials.flatMap((trial): Neighbour[] => {
      const value = setting(trial.config, parameter);
      const isBeside =
        value !== undefined &&
        value !== here &&
        others.every((other) => setting(trial.config, other) === setting(of.config, other));
      return isBeside && among(trial) ? [{ parameter, value, trial }] : [];
    });
    const below = line.filter(({ value }) => value < here);
    const above = line.filter(({ value }) => value > here);
    return [
      ...nearest(below, Math.max(...below.map(({ value }) => value))),
      ...nearest(above, Math.min(...above.map(({ value }) => value))),
    ];
  });
}

function nearest(line: readonly Neighbour[], wanted: number): Neighbour[] {
  const found = line.findLast(({ value }) => value === wanted);
  return found ? [found] : [];
}
