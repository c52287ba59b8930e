import type { Command, ControlClient } from '../valkey/client.ts';
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

/** What the vectors of an index take, and how they are kept. */
export interface VectorBytes {
  /** Of one vector, as MEMORY USAGE says, on average; null where there are none, or the server does not tell. */
  readonly bytesPerKey: number | null;
  /** A vector set is one key, of whose memory each vector has its share; it has no fields that a reply could carry. */
  readonly isVectorSet: boolean;
}

/** Weighs some of the keys below a prefix. */
export async function weighKeys(client: ControlClient, prefix: string): Promise<VectorBytes> {
  const found: string[] = [];
  let cursor = '0';
  for (let round = 0; round < scanRounds && found.length < sample; round++) {
    const pattern = `${prefix.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)}*`;
    const [answer] = await client.ask([['SCAN', cursor, 'MATCH', pattern, 'COUNT', '1000']]);
    if (answer?.state !== 'answered' || !Array.isArray(answer.reply))
      return { bytesPerKey: null, isVectorSet: false };
    cursor = String(answer.reply[0]);
    found.push(...(answer.reply[1] as readonly unknown[]).map(String));
    if (cursor === '0') break;
  }
  const sampled = found.slice(0, sample);
  const sizes = await numbers(
    client,
    sampled.map((key) => ['MEMORY', 'USAGE', key, 'SAMPLES', '0']),
  );
  const cards = await numbers(
    client,
    sampled.map((key) => ['VCARD', key]),
  );
  const vectors = cards.reduce((sum, card) => sum + card, 0);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const count = vectors > 0 ? vectors : sizes.length;
  return { bytesPerKey: sizes.length === 0 ? null : total / count, isVectorSet: vectors > 0 };
}

/** The replies that are numbers: VCARD of a hash is an error, as is MEMORY where the server has none. */
async function numbers(client: ControlClient, commands: readonly Command[]): Promise<number[]> {
  const answers = await client.ask(commands);
  return answers.flatMap((answer) =>
    answer.state === 'answered' && typeof answer.reply === 'number' ? [answer.reply] : [],
  );
}

async function dataBytes(client: ControlClient): Promise<number> {
  const info = parseInfo(await client.askText(['INFO', 'memory']));
  return (info.number('used_memory') ?? 0) - (info.number('mem_clients_normal') ?? 0);
}
