import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeCommand, textOf } from '../../src/valkey/resp.ts';
import { RawClient } from './raw-client.ts';
import { seededRandom } from './vectors.ts';

type Random = () => number;

export interface FuzzReport {
  readonly connections: number;
  readonly commands: number;
  /** After each FLUSHALL. */
  readonly samples: readonly MemorySample[];
}

export interface MemorySample {
  readonly heapBytes: number;
  readonly rssBytes: number;
}

const PARALLEL = 8;
const SAMPLE_EVERY_MS = 500;

const commands =
  'get set del incr hset hget hgetall hdel lpush rpush lpop rpop lrange sadd spop zadd zpopmin mset mget xadd exists type keys scan select ping echo hello info command client config reset dbsize flushdb ft.create ft.search ft.info ft._list ft.dropindex nosuch'.split(
    ' ',
  );
const words =
  'a b c 0 1 -1 10 2 3 inf nan * idx v HASH ON PREFIX SCHEMA VECTOR HNSW FLAT TYPE FLOAT32 DIM DISTANCE_METRIC L2 COSINE NX GET WITHSCORES NOCONTENT LIMIT RETURN PARAMS DIALECT COUNT MATCH LIST SETNAME AUTH default MAXLEN 9223372036854775807 99999999999999999999'.split(
    ' ',
  );

const pick = <Item>(random: Random, items: readonly Item[]): Item =>
  items[Math.floor(random() * items.length)]!;

function anyWord(random: Random): string | Buffer {
  const kind = random();
  if (kind < 0.7) return pick(random, words);
  if (kind < 0.8) return Buffer.from(Float32Array.from({ length: 4 }, () => random() - 0.5).buffer);
  return Buffer.from(Array.from({ length: Math.floor(random() * 60) }, () => Math.floor(random() * 256)));
}

/** Commands that make sense, so that what lies behind the parser is met too. */
function sensible(random: Random): Buffer {
  const vector = Buffer.from(Float32Array.from({ length: 4 }, () => random() - 0.5).buffer);
  const algorithm = pick(random, ['HNSW', 'FLAT']);
  const parameters = `6 TYPE FLOAT32 DIM 4 DISTANCE_METRIC ${pick(random, ['L2', 'IP', 'COSINE'])}`;
  return pick(random, [
    () => encodeCommand(`FT.CREATE idx PREFIX 1 p: SCHEMA v VECTOR ${algorithm} ${parameters}`.split(' ')),
    () => encodeCommand(['HSET', `p:${Math.floor(random() * 500)}`, 'v', vector]),
    () => encodeCommand(['HSET', `p:${Math.floor(random() * 500)}`, 'v', vector]),
    () => encodeCommand(['DEL', `p:${Math.floor(random() * 500)}`]),
    () => encodeCommand(['FT.SEARCH', 'idx', '*=>[KNN 5 @v $b EF_RUNTIME 20]', 'PARAMS', 2, 'b', vector]),
    () => encodeCommand(['LPUSH', 'list', 'x'.repeat(100), 'y', 'z']),
    () => encodeCommand(['LRANGE', 'list', 0, -1]),
    () => encodeCommand(['HELLO', 3]),
  ])();
}

/** Bytes of one go: whole commands, some of them damaged, the last one often cut. */
function payload(random: Random): { bytes: Buffer; commands: number } {
  const parts: Buffer[] = [];
  const count = 1 + Math.floor(random() * 30);
  for (let i = 0; i < count; i++) {
    const kind = random();
    if (kind < 0.5) parts.push(sensible(random));
    else if (kind < 0.85)
      parts.push(
        encodeCommand([
          pick(random, commands),
          ...Array.from({ length: Math.floor(random() * 8) }, () => anyWord(random)),
        ]),
      );
    else if (kind < 0.9) parts.push(Buffer.from(`${pick(random, commands)} "${pick(random, words)}" 'x\r\n`));
    else if (kind < 0.95)
      // Announced, and never sent.
      parts.push(Buffer.from(`*3\r\n$3\r\nSET\r\n$1\r\na\r\n$${Math.floor(random() * 5e8)}\r\nbegin`));
    else parts.push(Buffer.from(`*${Math.floor(random() * 1e6)}\r\n`));
  }
  const bytes = Buffer.concat(parts);
  if (random() < 0.3)
    for (let i = 0; i < 1 + random() * 5; i++)
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
  return {
    bytes: random() < 0.5 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes,
    commands: count,
  };
}

/** One client: it sends, reads or does not, and vanishes in one of the ways that clients do. */
async function vanish(port: number, random: Random): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
  if (random() < 0.7) socket.resume();
  const { bytes, commands } = payload(random);
  if (random() < 0.3) {
    const half = Math.floor(bytes.length / 2);
    socket.write(bytes.subarray(0, half));
    await sleep(1);
    socket.write(bytes.subarray(half));
  } else socket.write(bytes);
  if (random() < 0.7) await sleep(random() * 5);
  const how = random();
  if (how < 0.4) socket.destroy();
  else if (how < 0.7) socket.resetAndDestroy();
  else {
    socket.resume();
    socket.end();
    await Promise.race([once(socket, 'close'), sleep(1000)]);
    socket.destroy();
  }
  return commands;
}

/** Lets clients misbehave for a time. @param seed of what they send; the order of their arrival is not ours. */
export async function fuzz(port: number, durationMs: number, seed = 1): Promise<FuzzReport> {
  const until = performance.now() + durationMs;
  const report = { connections: 0, commands: 0, samples: [] as MemorySample[] };
  const misbehave = async (random: Random): Promise<void> => {
    while (performance.now() < until) {
      const sent = await vanish(port, random);
      report.commands += sent;
      report.connections++;
    }
  };
  const watch = async (): Promise<void> => {
    using client = await RawClient.open(port);
    while (performance.now() < until) {
      await client.call('FLUSHALL');
      report.samples.push(await memoryOf(client));
      await sleep(SAMPLE_EVERY_MS);
    }
  };
  const all = Array.from({ length: PARALLEL }, (_, i) => misbehave(seededRandom(seed * 1000 + i)));
  await Promise.all([...all, watch()]);
  return report;
}

async function memoryOf(client: RawClient): Promise<MemorySample> {
  const text = textOf(await client.call('INFO', 'memory')) ?? '';
  const figure = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(text)?.[1]);
  return { heapBytes: figure('used_memory'), rssBytes: figure('used_memory_rss') };
}

/**
 * How much more memory the last third needed than the second one, bytes: of the heap what it came down to, since it
 * goes up and down as garbage is collected.
 */
export function growthOf(samples: readonly MemorySample[]): { heap: number; rss: number } {
  const third = Math.floor(samples.length / 3);
  const [middle, last] = [samples.slice(third, 2 * third), samples.slice(2 * third)];
  const least = (of: readonly MemorySample[]): number => Math.min(...of.map(({ heapBytes }) => heapBytes));
  const median = (of: readonly MemorySample[]): number =>
    of.map(({ rssBytes }) => rssBytes).sort((a, b) => a - b)[of.length >> 1]!;
  return { heap: least(last) - least(middle), rss: median(last) - median(middle) };
}
