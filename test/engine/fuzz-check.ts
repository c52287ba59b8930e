import { expect } from 'vitest';
import { startEngine } from '../../src/engine/start.ts';
import { fuzz, growthOf } from './fuzz.ts';
import { RawClient } from './raw-client.ts';

const MIB = 1024 ** 2;

/** Fuzzes an engine, and checks that it lives, answers, has forgotten its clients, and did not grow. */
export async function checkSurvival(durationMs: number): Promise<void> {
  await using engine = await startEngine();
  let end: unknown;
  void engine.ended.then((how) => (end = how));
  const report = await fuzz(engine.port, durationMs);
  expect(end).toBeUndefined();
  expect(report.connections).toBeGreaterThan(durationMs / 100);
  using client = await RawClient.open(engine.port);
  await client.callAll([['FLUSHALL'], ['SET', 'k', 'v']]);
  expect(await client.call('GET', 'k')).toEqual(Buffer.from('v'));
  await expect
    .poll(async () => String(await client.call('INFO', 'clients')))
    .toContain('connected_clients:1\r\n');
  const growth = growthOf(report.samples);
  const figures = `${report.connections} connections, ${report.commands} commands, heap ${(growth.heap / MIB).toFixed(1)} MiB, rss ${(growth.rss / MIB).toFixed(1)} MiB`;
  expect(growth.heap, figures).toBeLessThan(8 * MIB);
  expect(growth.rss, figures).toBeLessThan(48 * MIB);
  if (process.env['STAGEWATCH_FIGURES']) process.stderr.write(`fuzz: ${figures}\n`);
}
