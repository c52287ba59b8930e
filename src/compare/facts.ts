import type { Report, ReportTrial } from '../report/report.ts';
import { at, objectOf } from './json-path.ts';

/**
 * What figures depend on beside the build that is compared, by name: `host.kernel`, `server.version`,
 * `setting.ioThreads`, `bench.numClients`. All values that a side had, where it had several.
 */
export type Facts = Readonly<Record<string, string>>;

export interface FactDifference {
  readonly name: string;
  readonly base: string;
  readonly new: string;
}

/** Where they are both known, and not the same. */
export function differencesOf(base: Facts, fresh: Facts): FactDifference[] {
  return Object.keys(base)
    .filter((name) => fresh[name] !== undefined && fresh[name] !== base[name])
    .toSorted()
    .map((name) => ({ name, base: base[name]!, new: fresh[name]! }));
}

/** A build is what is compared; another host or configuration makes the figures others' figures. */
export function isOtherSetup({ name }: FactDifference): boolean {
  return !name.startsWith('server.');
}

/** One side's, of several sessions. */
export function mergeFacts(all: readonly Facts[]): Facts {
  const values = new Map<string, Set<string>>();
  for (const facts of all)
    for (const [name, value] of Object.entries(facts)) {
      const own = values.get(name) ?? new Set();
      values.set(name, own.add(value));
    }
  return Object.fromEntries([...values].map(([name, own]) => [name, [...own].toSorted().join(' | ')]));
}

/** Of the host, and of the servers. @param targets ids of those that count. */
export function factsOfReport({ host, targets: found }: Report, targets: (id: string) => boolean): Facts {
  const servers = found.filter(({ target }) => targets(target));
  return mergeFacts([
    known({
      'host.cpu': at(host, 'cpu', 'model'),
      'host.cores': at(host, 'cpu', 'cores'),
      'host.memoryBytes': at(host, 'memoryBytes'),
      'host.kernel': at(host, 'os', 'kernel'),
      'host.os': [at(host, 'os', 'name'), at(host, 'os', 'release')].filter(Boolean).join(' '),
      'host.arch': at(host, 'os', 'arch'),
      'host.virtualisation': at(host, 'virtualisation'),
      'host.governors': at(host, 'governors'),
      'host.transparentHugepages': at(host, 'transparentHugepages'),
      'host.clockSource': at(host, 'clockSource'),
    }),
    ...servers.map(({ program, version, buildId }) =>
      known({ 'server.program': program, 'server.version': version, 'server.buildId': buildId }),
    ),
  ]);
}

/** Where the server is, and secrets' places, are no part of what is run. */
const WITHOUT = new Set(['host', 'port', 'user', 'auth', 'tls', 'timeoutMs', 'serverConfig', 'cluster']);

/** Of a benchmark run. */
export function factsOfTrial(trial: ReportTrial): Facts {
  const { config } = trial;
  const { dataset, ...rest } = config;
  const bench = Object.entries(rest).filter(
    ([name, value]) => !WITHOUT.has(name) && !(Array.isArray(value) && value.length === 0),
  );
  return known({
    ...Object.fromEntries(bench.map(([name, value]) => [`bench.${name}`, value])),
    // The same file may lie elsewhere there.
    'bench.dataset': typeof dataset === 'string' ? dataset.replace(/.*\//, '') : undefined,
    'bench.driver': trial.state === 'measured' ? trial.result['driver'] : undefined,
    ...Object.fromEntries(
      Object.entries(objectOf(config['serverConfig'])).map(([name, value]) => [`setting.${name}`, value]),
    ),
  });
}

/** Of server.json, as the server itself says. */
export function factsOfServer(server: unknown): Facts {
  return known({
    'setting.mode': at(server, 'server', 'mode'),
    'setting.ioThreads': at(server, 'server', 'ioThreads'),
    'setting.maxMemoryPolicy': at(server, 'server', 'maxMemoryPolicy'),
  });
}

function known(values: Readonly<Record<string, unknown>>): Facts {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => {
      if (value === undefined || value === null || value === '') return [];
      return [[name, typeof value === 'object' ? JSON.stringify(value) : String(value)]];
    }),
  );
}
