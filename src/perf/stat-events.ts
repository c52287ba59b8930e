import type { Host } from '../target/contract.ts';
import { lastWords } from './record.ts';
import { perfEnvironment, run } from './run.ts';

/** The six of hardware fit the counters of one core of all common processors, so that none is multiplexed. */
export const defaultCounters: readonly string[] = [
  'task-clock',
  'context-switches',
  'cpu-migrations',
  'page-faults',
  'cycles',
  'instructions',
  'cache-references',
  'cache-misses',
  'branches',
  'branch-misses',
];

/** Where the pipeline's slots go, Intel since Ice Lake: the processor fills all of them from one counter. */
export const topdownEvents: readonly string[] = [
  'slots',
  'topdown-retiring',
  'topdown-bad-spec',
  'topdown-fe-bound',
  'topdown-be-bound',
];

export interface Countable {
  readonly events: readonly string[];
  readonly notSupported: readonly { readonly event: string; readonly reason: string }[];
  /** They count, but not what their name says. */
  readonly doubtful: readonly { readonly event: string; readonly reason: string }[];
}

/** What happens in the kernel alone is 0 without the right to look into it, and perf exits with 0 all the same. */
const doubts: Readonly<Record<string, string>> = {
  'context-switches': 'always 0: switches happen in the kernel, which perf may not look into here',
  cs: 'always 0: switches happen in the kernel, which perf may not look into here',
  'cpu-migrations': 'always 0: migrations happen in the kernel, which perf may not look into here',
  migrations: 'always 0: migrations happen in the kernel, which perf may not look into here',
  'page-faults': 'only those of user space: perf may not look into the kernel here',
  faults: 'only those of user space: perf may not look into the kernel here',
};

/** Which events the machine, the kernel and our rights allow there. */
export async function countable(host: Host, wanted: readonly string[]): Promise<Countable> {
  if (wanted.length === 0) return { events: [], notSupported: [], doubtful: [] };
  const together = await tryEvents(host, wanted);
  // One name that perf does not know makes it refuse all: then each is asked for by itself.
  const tried =
    together.state === 'ran' || wanted.length === 1
      ? [{ events: wanted, result: together }]
      : await Promise.all(
          wanted.map(async (event) => ({ events: [event], result: await tryEvents(host, [event]) })),
        );
  const notSupported: { event: string; reason: string }[] = [];
  const doubtful: { event: string; reason: string }[] = [];
  const refused = (event: string, result: Tried): string | undefined => {
    if (result.state === 'refused') return result.reason;
    return result.notSupported.has(event) ? 'this machine cannot count it' : undefined;
  };
  for (const { events, result } of tried)
    for (const event of events) {
      const reason = refused(event, result);
      if (reason !== undefined) notSupported.push({ event, reason });
      else if (result.state === 'ran' && result.userOnly.has(event)) {
        const doubt = doubts[event];
        if (doubt !== undefined) doubtful.push({ event, reason: doubt });
      }
    }
  const lacking = new Set(notSupported.map(({ event }) => event));
  return { events: wanted.filter((event) => !lacking.has(event)), notSupported, doubtful };
}

type Tried =
  | {
      readonly state: 'ran';
      readonly notSupported: ReadonlySet<string>;
      readonly userOnly: ReadonlySet<string>;
    }
  | { readonly state: 'refused'; readonly reason: string };

async function tryEvents(host: Host, events: readonly string[]): Promise<Tried> {
  const argv = ['perf', 'stat', '-x', ';', '-e', events.join(','), '--', 'true'];
  const { end, stderr } = await run(host, argv, { env: perfEnvironment });
  if (end.state !== 'exited' || end.exitCode !== 0) return { state: 'refused', reason: reasonOf(stderr) };
  const notSupported = new Set<string>();
  const userOnly = new Set<string>();
  for (const line of stderr.split('\n')) {
    const [value, , printed] = line.split(';');
    if (value === undefined || printed === undefined) continue;
    const asked = events.find((event) => printed === event || printed === `${event}:u`);
    if (asked === undefined) continue;
    if (value === '<not supported>') notSupported.add(asked);
    if (printed !== asked) userOnly.add(asked);
  }
  return { state: 'ran', notSupported, userOnly };
}

function reasonOf(stderr: string): string {
  const unknown = /Cannot find PMU|parser error|unknown|event syntax error|Bad event/i.test(stderr);
  return unknown ? 'perf knows no such event' : lastWords(stderr) || 'perf refuses it';
}
