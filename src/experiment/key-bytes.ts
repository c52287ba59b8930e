import type { ControlClient } from '../valkey/client.ts';
import { parseInfo } from '../valkey/info.ts';
import type { OwnKeys } from './own-keys.ts';

/** Keys of others whose size is asked for. */
const sample = 100;
/** SCAN is ended after so many rounds without enough of them. */
const scanRounds = 1_000;

/**
 * Writes the keys, and tells how much memory each took: the difference of used_memory, without connections' buffers,
 * by their number. The table of all keys is in it where it had to grow.
 */
export async function fillAndWeigh(
  client: ControlClient,
  keys: OwnKeys,
  count: number,
  valueBytes: number,
  signal: AbortSignal,
): Promise<{ readonly state: 'written' | 'refused'; readonly bytesPerKey: number | null }> {
  const before = await dataBytes(client);
  const { state } = await keys.add(count, valueBytes, signal);
  const grown = (await dataBytes(client)) - before;
  return { state, bytesPerKey: keys.count > 0 && grown > 0 ? grown / keys.count : null };
}

/**
 * What the keys below a prefix take, as MEMORY USAGE says, on average over some of them.
 * @returns null where there are none, or the server does not tell.
 */
export async function weighKeys(client: ControlClient, prefix: string): Promise<number | null> {
  const found: string[] = [];
  let cursor = '0';
  for (let round = 0; round < scanRounds && found.length < sample; round++) {
    const pattern = `${prefix.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)}*`;
    const [answer] = await client.ask([['SCAN', cursor, 'MATCH', pattern, 'COUNT', '1000']]);
    if (answer?.state !== 'answered' || !Array.isArray(answer.reply)) return null;
    cursor = String(answer.reply[0]);
    found.push(...(answer.reply[1] as readonly unknown[]).map(String));
    if (cursor === '0') break;
  }
  const answers = await client.ask(
    found.slice(0, sample).map((key) => ['MEMORY', 'USAGE', key, 'SAMPLES', '0'] as const),
  );
  const sizes = answers.flatMap((answer) =>
    answer.state === 'answered' && typeof answer.reply === 'number' ? [answer.reply] : [],
  );
  return sizes.length === 0 ? null : sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
}

async function dataBytes(client: ControlClient): Promise<number> {
  const info = parseInfo(await client.askText(['INFO', 'memory']));
  return (info.number('used_memory') ?? 0) - (info.number('mem_clients_normal') ?? 0);
}
