import { randomBytes } from 'node:crypto';
import { arch, platform, release } from 'node:os';
import type { Engine } from './engine.ts';
import { version } from './version.ts';

type Facts = readonly (readonly [name: string, value: string | number])[];

/** Sections of INFO; a client that names none gets those that Valkey gives, and ours. */
const sections: Readonly<Record<string, (engine: Engine) => Facts>> = {
  server: serverFacts,
  engine: ({ search }) => [
    ['hnsw', search.hnsw.name],
    ['is_a_database', 'no: for demonstrations, tests and learning'],
  ],
  clients: ({ clients, maxClients }) => [
    ['connected_clients', clients.size],
    ['cluster_connections', 0],
    ['maxclients', maxClients],
    ['blocked_clients', 0],
  ],
  memory: memoryFacts,
  persistence: () => [
    ['loading', 0],
    ['rdb_changes_since_last_save', 0],
    ['rdb_bgsave_in_progress', 0],
    ['aof_enabled', 0],
  ],
  stats: statsFacts,
  replication: () => [
    ['role', 'master'],
    ['connected_slaves', 0],
  ],
  cpu: cpuFacts,
  modules: () => [],
  commandstats: commandFacts,
  errorstats: ({ stats }) =>
    [...stats.errors].map(([kind, count]) => [`errorstat_${kind}`, `count=${count}`]),
  cluster: () => [['cluster_enabled', 0]],
  keyspace: ({ databases }) =>
    databases
      .map((database, index) => [`db${index}`, `keys=${database.size},expires=0,avg_ttl=0`] as const)
      .filter((_, index) => databases[index]!.size > 0),
  search: searchFacts,
};

/** Another one after each start: a monitor knows a restart by it. */
const runId = randomBytes(20).toString('hex');
const ONLY_WHEN_ASKED = new Set(['commandstats']);
const ALL = new Set(['all', 'everything']);

/** @param asked lower case; none: the default sections. */
export function infoText(engine: Engine, asked: readonly string[]): string {
  const wanted = (name: string): boolean =>
    asked.includes(name) ||
    asked.some((one) => ALL.has(one)) ||
    ((asked.length === 0 || asked.includes('default')) && !ONLY_WHEN_ASKED.has(name));
  return Object.entries(sections)
    .filter(([name]) => wanted(name))
    .map(([name, facts]) => {
      const lines = facts(engine).map(([fact, value]) => `${fact}:${value}\r\n`);
      return `# ${name.charAt(0).toUpperCase()}${name.slice(1)}\r\n${lines.join('')}`;
    })
    .join('\r\n');
}

function serverFacts({ startedMs, port, bind }: Engine): Facts {
  const uptime = Math.floor((Date.now() - startedMs) / 1000);
  return [
    // Clients ask for it to know what they may send.
    ['redis_version', '7.2.4'],
    ['server_name', 'stagewatch-engine'],
    ['stagewatch_version', version],
    ['redis_mode', 'standalone'],
    ['os', `${platform()} ${release()} ${arch()}`],
    ['arch_bits', 64],
    ['process_id', process.pid],
    ['run_id', runId],
    ['tcp_port', port],
    ['bind', bind],
    ['node_version', process.versions.node],
    ['server_time_usec', Math.round((performance.timeOrigin + performance.now()) * 1000)],
    ['uptime_in_seconds', uptime],
    ['uptime_in_days', Math.floor(uptime / 86_400)],
    ['executable', process.execPath],
    ['config_file', ''],
  ];
}

function memoryFacts(): Facts {
  const { heapUsed, external, rss } = process.memoryUsage();
  const peak = process.resourceUsage().maxRSS * 1024;
  const human = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(2)}M`;
  return [
    ['used_memory', heapUsed + external],
    ['used_memory_human', human(heapUsed + external)],
    ['used_memory_rss', rss],
    ['used_memory_rss_human', human(rss)],
    ['used_memory_peak', peak],
    ['used_memory_peak_human', human(peak)],
    ['maxmemory', 0],
    ['maxmemory_human', '0B'],
    ['maxmemory_policy', 'noeviction'],
    ['mem_allocator', 'v8'],
  ];
}

function statsFacts({ stats }: Engine): Facts {
  return [
    ['total_connections_received', stats.connections],
    ['total_commands_processed', stats.commandsProcessed],
    ['total_net_input_bytes', stats.inputBytes],
    ['total_net_output_bytes', stats.outputBytes],
    ['rejected_connections', stats.rejectedConnections],
    ['expired_keys', 0],
    ['evicted_keys', 0],
    ['keyspace_hits', stats.hits],
    ['keyspace_misses', stats.misses],
    ['total_error_replies', [...stats.errors.values()].reduce((sum, count) => sum + count, 0)],
  ];
}

function cpuFacts(): Facts {
  const { user, system } = process.cpuUsage();
  return [
    ['used_cpu_sys', (system / 1e6).toFixed(6)],
    ['used_cpu_user', (user / 1e6).toFixed(6)],
  ];
}

function commandFacts({ stats }: Engine): Facts {
  return [...stats.commands].map(([name, { calls, us, rejected, failed }]) => [
    `cmdstat_${name}`,
    `calls=${calls},usec=${Math.round(us)},usec_per_call=${(calls === 0 ? 0 : us / calls).toFixed(2)},rejected_calls=${rejected},failed_calls=${failed}`,
  ]);
}

function searchFacts({ search }: Engine): Facts {
  const { successful, failed, hnswUs, flatUs } = search.counters;
  const indexes = search.all;
  return [
    ['search_number_of_indexes', indexes.length],
    ['search_number_of_attributes', indexes.reduce((sum, { schema }) => sum + schema.fields.length, 0)],
    ['search_total_indexed_documents', indexes.reduce((sum, { documents }) => sum + documents, 0)],
    [
      'search_background_indexing_status',
      indexes.some((index) => index.isBackfilling) ? 'IN_PROGRESS' : 'NO_ACTIVITY',
    ],
    ['search_successful_requests_count', successful],
    ['search_failure_requests_count', failed],
    ['search_query_queue_size', 0],
    ['search_writer_queue_size', 0],
    ['search_hnsw_search_usec', Math.round(hnswUs)],
    ['search_flat_search_usec', Math.round(flatUs)],
  ];
}
