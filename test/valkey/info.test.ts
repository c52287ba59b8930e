import { assert, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { differenceOf } from '../../src/valkey/info-difference.ts';
import { parseLatencyHistograms, percentilesBetween } from '../../src/valkey/info-latency.ts';
import { parseInfo } from '../../src/valkey/info.ts';

const none: ReadonlyMap<string, number> = new Map();

describe('parsing', () => {
  test('finds fields of all sections, commands, latencies, errors and databases', () => {
    const info = parseInfo(
      [
        '# Server\r\nredis_version:7.2.4\r\nprocess_id:42\r\n\r\n# Modules',
        'module:name=search,ver=10000\r\nmodule:name=json,ver=2',
        '# Commandstats\r\ncmdstat_config|get:calls=2,usec=16,usec_per_call=8.00,rejected_calls=1,failed_calls=0',
        '# Errorstats\r\nerrorstat_WRONGTYPE:count=3',
        '# Latencystats\r\nlatency_percentiles_usec_get:p50=0.001,p99=1.003,p99.9=2.007',
        '# Keyspace\r\ndb0:keys=10,expires=2,avg_ttl=5\r\ndb12:keys=1,expires=0,avg_ttl=0,subexpiry=0',
      ].join('\r\n'),
    );
    expect(info.number('process_id')).toBe(42);
    expect(info.number('redis_version')).toBeUndefined();
    expect(info.sections.get('Server')!.get('redis_version')).toBe('7.2.4');
    expect(info.modules).toEqual(['search', 'json']);
    expect(info.commands.get('config|get')).toEqual({ calls: 2, usec: 16, rejectedCalls: 1, failedCalls: 0 });
    expect(info.errors.get('WRONGTYPE')).toBe(3);
    expect(info.latencies.get('get')!.get('p99.9')).toBe(2.007);
    expect(info.keyspace.get(12)).toEqual({ keys: 1, expires: 0, avgTtlMs: 0 });
  });

  test('takes hostile names for what they are: names', () => {
    const info = parseInfo(
      '__proto__:1\nconstructor:2\ncmdstat___proto__:calls=3\nerrorstat_a:b:count=4\n:5\nno colon\ndb99999999999:keys=1\nused_memory:1e999',
    );
    expect(info.number('__proto__')).toBe(1);
    expect(info.number('toString')).toBeUndefined();
    expect(info.commands.get('__proto__')!.calls).toBe(3);
    expect(info.errors.get('a:b')).toBe(4);
    expect(info.keyspace.size).toBe(0);
    expect(info.number('used_memory')).toBeUndefined();
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  test('never throws, and never makes a number of what is none', () => {
    assert(
      property(string(), string(), (text, name) => {
        const info = parseInfo(`# ${name}\n${text}\ncmdstat_${name}:calls=${text}`);
        for (const { calls } of info.commands.values()) expect(Number.isFinite(calls)).toBe(true);
        differenceOf(info, parseInfo(text), none);
      }),
    );
  });
});

describe('differences', () => {
  const at = (lines: Record<string, string | number>): ReturnType<typeof parseInfo> =>
    parseInfo(
      Object.entries({ run_id: 'a', ...lines })
        .map(([field, value]) => `${field}:${value}`)
        .join('\n'),
    );
  const cmd = (calls: number, usec = calls): string =>
    `calls=${calls},usec=${usec},rejected_calls=0,failed_calls=0`;

  test('subtract counters, give both ends of gauges, and leave the observer out', () => {
    const before = at({
      total_commands_processed: 100,
      used_cpu_user: 1.1,
      total_system_memory: 5,
      used_memory: 10,
      cmdstat_get: cmd(90),
      cmdstat_info: cmd(10, 1000),
      server_time_usec: 1_000_000,
    });
    const after = at({
      total_commands_processed: 163,
      used_cpu_user: 1.4,
      total_system_memory: 5,
      used_memory: 30,
      cmdstat_get: cmd(150, 1290),
      cmdstat_info: cmd(13, 1300),
      server_time_usec: 3_000_000,
    });
    const difference = differenceOf(before, after, new Map([['info', 2]]));
    expect(difference).toMatchObject({ state: 'whole', windowMs: 2_000, commandsProcessed: 61 });
    expect(difference.counters.get('used_cpu_user')).toBe(0.3);
    expect(difference.gauges.get('used_memory')).toEqual({ start: 10, end: 30 });
    expect(difference.gauges.has('total_system_memory')).toBe(true);
    expect(difference.commands.get('get')).toMatchObject({ calls: 60, usec: 1200, usecPerCall: 20 });
    // One of the three INFOs was somebody else's.
    expect(difference.commands.get('info')).toMatchObject({ calls: 1, usec: 100 });
    expect(difference.observer).toEqual({ calls: 2, usec: 200 });
  });

  test('begin anew after CONFIG RESETSTAT, even when more was counted since; CPU time goes on', () => {
    const before = at({ total_commands_processed: 5, used_cpu_user: 2, cmdstat_info: cmd(3) });
    const after = at({
      total_commands_processed: 50,
      used_cpu_user: 3,
      cmdstat_info: cmd(3),
      cmdstat_get: cmd(47),
    });
    const difference = differenceOf(before, after, new Map([['info', 4]]));
    expect(difference.state).toBe('reset');
    expect(difference.counters.get('total_commands_processed')).toBe(50);
    expect(difference.counters.get('used_cpu_user')).toBe(1);
    expect(difference.commands.get('get')!.calls).toBe(47);
  });

  test('of another process are told', () => {
    const before = at({ total_commands_processed: 5_000 });
    const after = at({ run_id: 'b', total_commands_processed: 50 });
    const { state, counters } = differenceOf(before, after, none);
    expect([state, counters.get('total_commands_processed')]).toEqual(['restarted', 50]);
  });
});

describe('latency histograms', () => {
  const parse = (...edges: number[]) =>
    parseLatencyHistograms(['get', ['calls', 100, 'histogram_usec', edges]]).get('get')!;

  test('give the percentiles of the calls in between', () => {
    const before = parse(1, 50, 1024, 60);
    const after = parse(1, 50, 2, 90, 4, 99, 1024, 110, 2048, 111);
    // 51 calls: 40 within 2 us, 9 within 4, 1 within 1024, 1 within 2048.
    expect(percentilesBetween(before, after)).toEqual({ p50: 2, p99: 2048, p999: 2048, max: 2048 });
    expect(percentilesBetween(undefined, before)).toMatchObject({ p50: 1, max: 1024 });
  });

  test('that shrank, or are of another shape, give nothing', () => {
    expect(percentilesBetween(parse(1, 50), parse(1, 20))).toBeUndefined();
    expect(percentilesBetween(parse(1, 50), parse(1, 50))).toBeUndefined();
    expect(parseLatencyHistograms(['get', null, 7, []]).size).toBe(0);
    expect(parseLatencyHistograms('OK').size).toBe(0);
  });
});
