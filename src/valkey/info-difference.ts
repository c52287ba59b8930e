import type { CommandStat, Info } from './info.ts';

/** Fields that only ever grow, until the server restarts or CONFIG RESETSTAT; all other numbers are gauges. */
const counterPattern = new RegExp(
  `^(?:${[
    'total_(?!system_memory|watch|blocking).*',
    '(?:rejected_connections|expired_keys|evicted_(?:keys|clients|scripts)|expired_time_cap_reached_count)',
    '(?:expired_subkeys|expired_fields|keyspace_(?:hits|misses)|unexpected_error_replies)',
    'expire_cycle_cpu_milliseconds',
    'sync_(?:full|partial_ok|partial_err)',
    'active_defrag_(?:key_)?(?:hits|misses)',
    'dump_payload_sanitizations',
    'io_threaded_.*',
    'client_(?:query|output)_buffer_limit_disconnections',
    'reply_buffer_(?:shrinks|expands)',
    'eventloop_(?:cycles|duration_sum|duration_cmd_sum)',
    'acl_access_denied_.*',
    'used_cpu_.*',
    '(?:rdb_saves|aof_rewrites|lazyfreed_objects)',
  ].join('|')})$`,
);

/** CONFIG RESETSTAT leaves these as they are. */
const keptByReset = /^(?:used_cpu_|rdb_saves|aof_rewrites)/;

export interface CommandDifference extends CommandStat {
  /** Null without a call. */
  readonly usecPerCall: number | null;
}

export interface InfoDifference {
  /**
   * `reset`: CONFIG RESETSTAT came in between, so that counts begin there and are too low; `restarted`: it is
   * another process, and counts begin with it.
   */
  readonly state: 'whole' | 'reset' | 'restarted';
  /** Between the two by the server's own clock, ms; undefined where it does not tell. */
  readonly windowMs: number | undefined;
  readonly counters: ReadonlyMap<string, number>;
  /** Every other number. */
  readonly gauges: ReadonlyMap<string, { readonly start: number; readonly end: number }>;
  /** Only those that were called, rejected or failed. The observer's own are left out. */
  readonly commands: ReadonlyMap<string, CommandDifference>;
  /** What the observer's own commands took of the server; no part of `commands`. */
  readonly observer: { readonly calls: number; readonly usec: number };
  /** All commands but the observer's. */
  readonly commandsProcessed: number;
  /** Error replies by their first word. */
  readonly errors: ReadonlyMap<string, number>;
}

/**
 * What happened between two INFOs of one server.
 * @param own how often each command was sent by whoever took the INFOs: from the first of them on, until before the
 *   second, since a command is counted when it has been carried out.
 */
export function differenceOf(before: Info, after: Info, own: ReadonlyMap<string, number>): InfoDifference {
  const state = stateOf(before, after, own);
  const counters = new Map<string, number>();
  const gauges = new Map<string, { start: number; end: number }>();
  for (const field of after.fields.keys()) {
    const end = after.number(field);
    if (end === undefined) continue;
    const start = before.number(field);
    if (counterPattern.test(field)) counters.set(field, grown(state, field, start, end));
    else if (start !== undefined) gauges.set(field, { start, end });
  }
  const { commands, observer } = commandsBetween(state, before, after, own);
  const processed = counters.get('total_commands_processed') ?? 0;
  return {
    state,
    windowMs: windowMs(before, after),
    counters,
    gauges,
    commands,
    observer,
    commandsProcessed: Math.max(0, processed - observer.calls),
    errors: countsBetween(state, before.errors, after.errors),
  };
}

function stateOf(before: Info, after: Info, own: ReadonlyMap<string, number>): InfoDifference['state'] {
  if (before.text('run_id') !== after.text('run_id')) return 'restarted';
  const earlier = before.commands;
  const later = after.commands;
  // Our own INFO is the sentinel: its count is known, and only a reset makes it smaller.
  const info = (later.get('info')?.calls ?? 0) - (earlier.get('info')?.calls ?? 0);
  if (later.size > 0 && info < (own.get('info') ?? 0)) return 'reset';
  for (const [name, { calls }] of earlier) if ((later.get(name)?.calls ?? 0) < calls) return 'reset';
  return 'whole';
}

function grown(
  state: InfoDifference['state'],
  field: string,
  start: number | undefined,
  end: number,
): number {
  if (state === 'restarted' || (state === 'reset' && !keptByReset.test(field))) return end;
  return round(end - (start ?? 0));
}

/** Seconds of CPU time are told to the microsecond: without the noise of their binary difference. */
const round = (value: number): number => Math.round(value * 1e6) / 1e6;

function windowMs(before: Info, after: Info): number | undefined {
  const [start, end] = [before.number('server_time_usec'), after.number('server_time_usec')];
  return start === undefined || end === undefined ? undefined : (end - start) / 1_000;
}

function commandsBetween(
  state: InfoDifference['state'],
  before: Info,
  after: Info,
  own: ReadonlyMap<string, number>,
): Pick<InfoDifference, 'commands' | 'observer'> {
  const earlier = state === 'whole' ? before.commands : new Map<string, CommandStat>();
  const commands = new Map<string, CommandDifference>();
  const observer = { calls: 0, usec: 0 };
  for (const [name, end] of after.commands) {
    const start = earlier.get(name);
    const all = {
      calls: end.calls - (start?.calls ?? 0),
      usec: end.usec - (start?.usec ?? 0),
      rejectedCalls: end.rejectedCalls - (start?.rejectedCalls ?? 0),
      failedCalls: end.failedCalls - (start?.failedCalls ?? 0),
    };
    const ours = Math.min(own.get(name) ?? 0, all.calls);
    // The server times them together: others' share is by number.
    const oursUsec = all.calls === 0 ? 0 : Math.round((all.usec * ours) / all.calls);
    observer.calls += ours;
    observer.usec += oursUsec;
    const [calls, usec] = [all.calls - ours, all.usec - oursUsec];
    if (calls === 0 && all.rejectedCalls === 0 && (all.failedCalls === 0 || ours > 0)) continue;
    commands.set(name, { ...all, calls, usec, usecPerCall: calls === 0 ? null : round(usec / calls) });
  }
  return { commands, observer };
}

function countsBetween(
  state: InfoDifference['state'],
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [name, end] of after) {
    const count = end - (state === 'whole' ? (before.get(name) ?? 0) : 0);
    if (count > 0) counts.set(name, count);
  }
  return counts;
}
