import { expect, test } from 'vitest';
import { startEngine } from '../../src/engine/start.ts';
import { encodeCommand } from '../../src/valkey/resp.ts';
import { checkSurvival } from './fuzz-check.ts';
import { RawClient } from './raw-client.ts';

const FUZZ_MS = process.env['CI'] ? 30_000 : 10_000;

test(
  'survives clients that send anything and vanish in mid-command, with flat memory',
  { timeout: 60_000 },
  async () => {
    await expect(checkSurvival(FUZZ_MS)).resolves.toBeUndefined();
  },
);

test('a client that sends, and never reads, is not served into memory without end', async () => {
  await using engine = await startEngine();
  using other = await RawClient.open(engine.port);
  await other.call('SET', 'big', Buffer.alloc(1024 ** 2));
  using deaf = await RawClient.open(engine.port, 'bytes');
  deaf.socket.pause();
  deaf.socket.write(Buffer.concat(Array.from({ length: 200 }, () => encodeCommand(['GET', 'big']))));
  let rss = 0;
  for (let i = 0; i < 10; i++) {
    const info = String(await other.call('INFO', 'memory'));
    rss = Math.max(rss, Number(/^used_memory_rss:(\d+)/m.exec(info)?.[1]));
  }
  expect(rss).toBeLessThan(150 * 1024 ** 2);
  // It is served when it begins to read.
  const wanted = 200 * (1024 ** 2 + 12);
  let received = 0;
  deaf.socket.removeAllListeners('data').on('data', (chunk: Buffer) => (received += chunk.length));
  deaf.socket.resume();
  await expect.poll(() => received, { timeout: 20_000 }).toBe(wanted);
});
