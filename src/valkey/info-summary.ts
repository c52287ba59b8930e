import { percentilesBetween } from './info-latency.ts';
import { type CommandDifference, differenceOf, type InfoDifference } from './info-difference.ts';
import type { Info } from './info.ts';
import { askedBetween, type Snapshot } from './info-snapshot.ts';

type Edges = { readonly start: number; readonly end: number };

/** What a server did between two snapshots, for server.json. Names carry their units; null is what has no value. */
export function summariseSnapshots(before: Snapshot, after: Snapshot): ServerSummary {
  const own = askedBetween(before, after);
  const difference = differenceOf(before.info, after.info, own);
  const { state, windowMs, counters, gauges, commandsProcessed, observer } = difference;
  const count = (field: string): number => counters.get(field) ?? 0;
  const edges = (field: string): Edges | null => gauges.get(field) ?? null;
  const hits = count('keyspace_hits');
  const misses = count('keyspace_misses');
  return {
    state,
    server: serverOf(after.info),
    windowMs: windowMs ?? null,
    commands: {
      processed: commandsProcessed,
      perSecond: windowMs ? perSecond(commandsProcessed, windowMs) : null,
      byName: commandsOf(difference, before, after, own),
    },
    cpu: cpuOf(difference),
    memory: {
      usedBytes: edges('used_memory'),
      rssBytes: edges('used_memory_rss'),
      peakBytes: edges('used_memory_peak'),
      datasetBytes: edges('used_memory_dataset'),
      overheadBytes: edges('used_memory_overhead'),
      fragmentationRatio: edges('mem_fragmentation_ratio'),
    },
    clients: {
      // Ours is one of them.
      connected: edges('connected_clients'),
      blocked: edges('blocked_clients'),
      connectionsReceived: count('total_connections_received'),
      connectionsRejected: count('rejected_connections'),
    },
    keyspace: {
      hits,
      misses,
      hitRate: hits + misses > 0 ? hits / (hits + misses) : null,
      expiredKeys: count('expired_keys'),
      evictedKeys: count('evicted_keys'),
      databases: databasesOf(before.info, after.info),
    },
    network: { inputBytes: count('total_net_input_bytes'), outputBytes: count('total_net_output_bytes') },
    persistence: {
      forks: count('total_forks'),
      lastForkUsec: after.info.number('latest_fork_usec') ?? null,
      rdbSaveInProgress: edges('rdb_bgsave_in_progress'),
      aofRewriteInProgress: edges('aof_rewrite_in_progress'),
      moduleForkInProgress: edges('module_fork_in_progress'),
      changesSinceLastSave: edges('rdb_changes_since_last_save'),
    },
    replication: {
      role: after.info.text('role') ?? null,
      replicas: edges('connected_slaves'),
      offset: edges('master_repl_offset'),
      fullSyncs: count('sync_full'),
    },
    errors: Object.fromEntries(difference.errors),
    indexes: indexesOf(before, after),
    search: Object.fromEntries([...gauges].filter(([field]) => field.startsWith('search_'))),
    counters: Object.fromEntries([...counters].filter(([, value]) => value !== 0)),
    gauges: changedGauges(gauges),
    observer,
    latencySinceStartUs: Object.fromEntries(
      [...after.info.latencies].map(([name, percentiles]) => [name, Object.fromEntries(percentiles)]),
    ),
  };
}

export interface ServerSummary extends Readonly<Record<string, unknown>> {
  readonly state: InfoDifference['state'];
  readonly commands: {
    readonly processed: number;
    readonly perSecond: number | null;
    readonly byName: Readonly<Record<string, CommandDifference>>;
  };
  readonly cpu: CpuSummary;
}

interface CpuSummary {
  /** Of the process, all threads, without its children; µs. */
  readonly userUs: number;
  readonly systemUs: number;
  /** Null where the server does not tell, before version 7. */
  readonly mainThreadUs: number | null;
  readonly childrenUs: number;
  /** Of one core: 1.5 is one and a half cores. */
  readonly cores: number | null;
  /** All CPU time of the process, through the commands that were processed. */
  readonly usPerCommand: number | null;
  readonly mainThreadUsPerCommand: number | null;
}

function cpuOf({ counters, commandsProcessed, windowMs }: InfoDifference): CpuSummary {
  const us = (...fields: string[]): number =>
    Math.round(fields.reduce((sum, field) => sum + (counters.get(field) ?? 0), 0) * 1e6);
  const userUs = us('used_cpu_user');
  const systemUs = us('used_cpu_sys');
  const mainThreadUs = counters.has('used_cpu_user_main_thread')
    ? us('used_cpu_user_main_thread', 'used_cpu_sys_main_thread')
    : null;
  const each = (total: number): number | null => (commandsProcessed > 0 ? total / commandsProcessed : null);
  return {
    userUs,
    systemUs,
    mainThreadUs,
    childrenUs: us('used_cpu_user_children', 'used_cpu_sys_children'),
    cores: windowMs ? (userUs + systemUs) / 1_000 / windowMs : null,
    usPerCommand: each(userUs + systemUs),
    mainThreadUsPerCommand: mainThreadUs === null ? null : each(mainThreadUs),
  };
}

function commandsOf(
  { commands, state }: InfoDifference,
  before: Snapshot,
  after: Snapshot,
  own: ReadonlyMap<string, number>,
): Record<string, CommandDifference> {
  const entries = [...commands].map(([name, difference]) => {
    const histogram = after.histograms.get(name);
    // Ours cannot be told apart there.
    const isMixed = (own.get(name) ?? 0) > 0;
    const latencyUs =
      histogram === undefined || isMixed
        ? undefined
        : percentilesBetween(state === 'whole' ? before.histograms.get(name) : undefined, histogram);
    return [name, { ...difference, ...(latencyUs ? { latencyUs } : {}) }] as const;
  });
  return Object.fromEntries(entries.toSorted(([, a], [, b]) => b.usec - a.usec));
}

function serverOf(info: Info): Record<string, unknown> {
  const valkey = info.text('valkey_version');
  return {
    name: info.text('server_name') ?? 'redis',
    version: valkey ?? info.text('redis_version') ?? null,
    mode: info.text('server_mode') ?? info.text('redis_mode') ?? null,
    pid: info.number('process_id') ?? null,
    runId: info.text('run_id') ?? null,
    ioThreads: info.number('io_threads_active') ?? null,
    maxMemoryPolicy: info.text('maxmemory_policy') ?? null,
  };
}

function databasesOf(before: Info, after: Info): Record<string, unknown> {
  const earlier = before.keyspace;
  const later = after.keyspace;
  const numbers = [...new Set([...earlier.keys(), ...later.keys()])].toSorted((a, b) => a - b);
  return Object.fromEntries(
    numbers.map((number) => {
      const [start, end] = [earlier.get(number), later.get(number)];
      return [
        `db${number}`,
        {
          keys: { start: start?.keys ?? 0, end: end?.keys ?? 0 },
          expires: { start: start?.expires ?? 0, end: end?.expires ?? 0 },
        },
      ];
    }),
  );
}

function indexesOf(before: Snapshot, after: Snapshot): Record<string, unknown> {
  return Object.fromEntries(
    [...after.indexes].map(([name, { vectors, numbers }]) => {
      const earlier = before.indexes.get(name)?.numbers;
      return [
        name,
        {
          vectors,
          // Null: the index was made after the start.
          numbers: Object.fromEntries(
            [...numbers].map(([field, end]) => [field, { start: earlier?.get(field) ?? null, end }]),
          ),
        },
      ];
    }),
  );
}

/** What stayed as it was says nothing of the span; figures told above are not told twice. */
function changedGauges(gauges: ReadonlyMap<string, Edges>): Record<string, Edges> {
  return Object.fromEntries(
    [...gauges].filter(([field, { start, end }]) => start !== end && !field.startsWith('search_')),
  );
}

const perSecond = (count: number, windowMs: number): number => (count * 1_000) / windowMs;
