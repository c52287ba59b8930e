import { expect, test } from 'vitest';
import { MissingError } from '../../src/error.ts';
import {
  canCount,
  chooseEvent,
  eventNames,
  installCommand,
  perfVersion,
} from '../../src/perf/capabilities.ts';
import type { Child, SpawnOptions } from '../../src/target/contract.ts';
import { LocalHost } from '../../src/target/local-host.ts';
import { needs } from '../servers/need.ts';
import { children, localHost } from './local-host.ts';

needs('perf');

class HostWithoutPerf extends LocalHost {
  override spawn(argv: readonly string[], options?: SpawnOptions): Child {
    return super.spawn(argv, { ...options, env: { ...options?.env, PATH: '/nowhere' } });
  }
}

test('perf is found, or the command that installs it is named', async () => {
  expect(await perfVersion(localHost)).toMatch(/^\d+\.\d+/);
  const missing = await perfVersion(new HostWithoutPerf(children)).catch((error: unknown) => error);
  expect(missing).toBeInstanceOf(MissingError);
  expect(missing).toMatchObject({ code: 'perf-missing' });
  expect((missing as Error).message).toContain(await installCommand(localHost));
});

test('an event that cannot be counted is replaced by the one that works everywhere', async () => {
  expect(await canCount(localHost, 'cpu-clock')).toBe(true);
  expect(await canCount(localHost, 'no-such-event')).toBe(false);
  expect(await chooseEvent(localHost, 'no-such-event')).toBe('cpu-clock');
  expect(await chooseEvent(localHost, 'task-clock')).toBe('task-clock');
});

test('events are read back without what perf adds of its own', () => {
  expect(eventNames('cpu-clock:u\ndummy:HG\n# Tip: use perf evlist -g\n')).toEqual(['cpu-clock:u']);
  expect(eventNames('cpu_core/cycles/\ncpu_atom/cycles/\ndummy:u\n')).toHaveLength(2);
});
