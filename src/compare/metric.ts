/** A figure of a run that two sides can be compared by. */
export interface Metric {
  /** As JSON has it. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  readonly better: 'less' | 'more';
}

/** The server's CPU time; where both are known, the server's own count is taken: it knows its commands. */
export const cpuMetrics = ['cpuUsPerCommand', 'cpuUsPerRequest'] as const;
/** What the benchmark measured, or else what the server counted. */
export const rateMetrics = ['qps', 'commandsPerSecond'] as const;

const known: readonly Metric[] = [
  { name: 'cpuUsPerCommand', title: 'CPU µs/command', better: 'less' },
  { name: 'cpuUsPerRequest', title: 'CPU µs/request', better: 'less' },
  { name: 'qps', title: 'QPS', better: 'more' },
  { name: 'commandsPerSecond', title: 'commands/s', better: 'more' },
  { name: 'latencyP50Ms', title: 'p50 ms', better: 'less' },
  { name: 'latencyP99Ms', title: 'p99 ms', better: 'less' },
  { name: 'recall', title: 'recall', better: 'more' },
  { name: 'datasetBytesPerKey', title: 'bytes/key', better: 'less' },
];

/** Begins the name of a counter: `counter:instructions`, of one request. */
export const counterPrefix = 'counter:';

/** @param name as in the figures of a run. */
export function metricOf(name: string): Metric {
  const counter = name.startsWith(counterPrefix) ? name.slice(counterPrefix.length) : name;
  return (
    known.find((metric) => metric.name === name) ?? { name, title: `${counter}/request`, better: 'less' }
  );
}

/** The names, in the order in which they are shown: counters last. */
export function inShownOrder(names: Iterable<string>): string[] {
  const place = (name: string): number => {
    const index = known.findIndex((metric) => metric.name === name);
    return index < 0 ? known.length : index;
  };
  return [...new Set(names)].toSorted((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
}
