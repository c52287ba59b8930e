import { artifactsOf, readArtifact } from '../report/artifacts.ts';
import type { ReportSpan, ReportTrial } from '../report/report.ts';
import { at, objectOf } from './json-path.ts';
import { counterPrefix } from './metric.ts';

/** By the name of the metric; what is not known, or not over 0, is absent. */
export type Figures = Readonly<Record<string, number>>;

/**
 * What is known of one run: from its trial what the benchmark measured, from its span what the hooks saw of the server.
 * @param folder of the session.
 */
export async function figuresOf(
  folder: string,
  span: ReportSpan | undefined,
  trial: ReportTrial | undefined,
): Promise<Figures> {
  const result = trial?.state === 'measured' ? trial.result : {};
  const work = span === undefined ? undefined : workOf(span);
  const requests = work?.commands ?? positive(result['requests']);
  const figures: Record<string, number | undefined> = {
    cpuUsPerCommand: work?.cpuUsPerCommand,
    cpuUsPerRequest: each(span === undefined ? undefined : threadsUs(span), positive(result['requests'])),
    qps: positive(result['qps']),
    commandsPerSecond: work?.commandsPerSecond,
    latencyP50Ms: positive(result['latencyP50']),
    latencyP99Ms: positive(result['latencyP99']),
    recall: positive(result['recallAvg']),
    ...(span === undefined ? {} : { datasetBytesPerKey: await bytesPerKey(folder, span) }),
  };
  if (span !== undefined && requests !== undefined)
    for (const [event, value] of await countersOf(folder, span))
      figures[`${counterPrefix}${event}`] = value / requests;
  return Object.fromEntries(
    Object.entries(figures).flatMap(([name, value]) =>
      value !== undefined && Number.isFinite(value) && value > 0 ? [[name, value]] : [],
    ),
  );
}

/** Of all servers of the span: a cluster's nodes count as one. */
function workOf(span: ReportSpan):
  | {
      readonly commands: number | undefined;
      readonly cpuUsPerCommand: number | undefined;
      readonly commandsPerSecond: number | undefined;
    }
  | undefined {
  const servers = factsOf(span, 'server-metrics').filter(
    // What a server counted since its restart is not what the run asked of it.
    ({ counters }) => counters === undefined || counters === 'whole',
  );
  if (servers.length === 0) return undefined;
  const sum = (of: (facts: Facts) => number | undefined): number | undefined => {
    const values = servers.map(of).filter((value) => value !== undefined);
    return values.length === 0 ? undefined : values.reduce((total, value) => total + value, 0);
  };
  const commands = sum(({ commands: count }) => positive(count));
  const [only] = servers;
  const cpuUs = sum((facts) => {
    const [count, cpu] = [positive(facts['commands']), positive(facts['cpuUsPerCommand'])];
    return count === undefined || cpu === undefined ? undefined : count * cpu;
  });
  return {
    commands,
    cpuUsPerCommand: servers.length === 1 ? positive(only?.['cpuUsPerCommand']) : each(cpuUs, commands),
    commandsPerSecond: sum(({ commandsPerSecond }) => positive(commandsPerSecond)),
  };
}

function threadsUs(span: ReportSpan): number | undefined {
  const ms = factsOf(span, 'threads').map(({ cpuMs }) => positive(cpuMs) ?? 0);
  return ms.length === 0 ? undefined : 1_000 * ms.reduce((sum, one) => sum + one, 0);
}

type Facts = Readonly<Record<string, unknown>>;

function factsOf(span: ReportSpan, hook: string): Facts[] {
  return span.targets.flatMap(({ hooks }) =>
    hooks.filter(({ hook: name }) => name === hook).map(({ facts }) => facts),
  );
}

/** Memory of the data, without what the server takes empty, through its keys. */
async function bytesPerKey(folder: string, span: ReportSpan): Promise<number | undefined> {
  let bytes = 0;
  let keys = 0;
  for (const server of await jsonsOf(folder, span, 'server.json')) {
    const dataset = positive(at(server, 'memory', 'datasetBytes', 'end'));
    const databases = Object.values(objectOf(at(server, 'keyspace', 'databases')));
    if (dataset === undefined) return undefined;
    bytes += dataset;
    for (const database of databases) keys += positive(at(database, 'keys', 'end')) ?? 0;
  }
  return keys > 0 ? bytes / keys : undefined;
}

async function countersOf(folder: string, span: ReportSpan): Promise<Map<string, number>> {
  const sums = new Map<string, number>();
  for (const file of await jsonsOf(folder, span, 'perf-stat.json')) {
    const counters = at(file, 'counters');
    for (const counter of Array.isArray(counters) ? counters : []) {
      const [event, value] = [at(counter, 'event'), positive(at(counter, 'value'))];
      if (typeof event === 'string' && value !== undefined) sums.set(event, (sums.get(event) ?? 0) + value);
    }
  }
  return sums;
}

/** The artifacts of that name as JSON; what cannot be read is left out. */
export async function jsonsOf(folder: string, span: ReportSpan, name: string): Promise<unknown[]> {
  const texts = await Promise.all(artifactsOf(span, name).map((artifact) => readArtifact(folder, artifact)));
  return texts.flatMap((text) => {
    try {
      return text === undefined ? [] : [JSON.parse(text) as unknown];
    } catch {
      return []; // cut short while it was written
    }
  });
}

function positive(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined;
}

function each(total: number | undefined, count: number | undefined): number | undefined {
  return total === undefined || count === undefined ? undefined : total / count;
}
