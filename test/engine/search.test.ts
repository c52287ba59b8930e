import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RunningEngine, startEngine } from '../../src/engine/start.ts';
import { loadHnswlib } from '../../src/engine/vector/hnswlib.ts';
import { hnswProviders } from '../../src/engine/vector/provider.ts';
import type { Metric } from '../../src/engine/vector/vector-index.ts';
import { RespError, type RespValue, isRespArray, pairsOf, textOf } from '../../src/valkey/resp.ts';
import { RawClient } from './raw-client.ts';
import { blobOf, bruteForce, makeVectors, recallOf } from './vectors.ts';

const DIMENSIONS = 16;
const K = 10;

const keyOf = (i: number): string => `p:${String(i).padStart(12, '0')}`;
const numberOf = (key: RespValue): number => Number(textOf(key)!.slice(2));

function createWords(algorithm: string, metric: Metric): string[] {
  const words = `FT.CREATE idx ON HASH PREFIX 1 p: SCHEMA embedding VECTOR ${algorithm}`.split(' ');
  const parameters = `TYPE FLOAT32 DIM ${DIMENSIONS} DISTANCE_METRIC ${metric}`.split(' ');
  if (algorithm === 'HNSW') parameters.push('M', '16', 'EF_CONSTRUCTION', '200');
  return [...words, String(parameters.length), ...parameters];
}

const load = (client: RawClient, vectors: readonly Float32Array[]): Promise<RespValue[]> =>
  client.callAll(vectors.map((vector, i) => ['HSET', keyOf(i), 'embedding', blobOf(vector)]));

const knn = (query: Float32Array, ef = 50, ...more: (string | number)[]): (string | number | Buffer)[] => {
  const text = `*=>[KNN ${K} @embedding $BLOB EF_RUNTIME ${ef}]`;
  return ['FT.SEARCH', 'idx', text, 'PARAMS', 2, 'BLOB', blobOf(query), ...more];
};

const WIRE = ['NOCONTENT', 'LIMIT', 0, K, 'DIALECT', 2] as const;

async function search(client: RawClient, queries: readonly Float32Array[], ef?: number): Promise<number[][]> {
  const replies = await client.callAll(queries.map((query) => knn(query, ef, ...WIRE)));
  return replies.map((reply) => (reply as RespValue[]).slice(1).map(numberOf));
}

const providers = hnswProviders.filter((name) => name !== 'hnswlib-node' || loadHnswlib() !== undefined);

describe.each(providers)('with HNSW by %s', (hnsw) => {
  let engine: RunningEngine;
  let client: RawClient;
  const vectors = makeVectors(2000, DIMENSIONS);
  const queries = makeVectors(50, DIMENSIONS, 5);

  beforeAll(async () => {
    engine = await startEngine({ hnsw });
    client = await RawClient.open(engine.port);
  });
  afterAll(async () => {
    client[Symbol.dispose]();
    await engine[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await client.call('FLUSHALL');
  });

  test('INFO says which HNSW serves', async () => {
    expect(engine.hnsw).toBe(hnsw);
    expect(textOf(await client.call('INFO', 'engine'))).toContain(`hnsw:${hnsw}\r\n`);
  });

  test.each(['L2', 'IP', 'COSINE'] as const)('FLAT answers equal brute force exactly: %s', async (metric) => {
    expect(await client.call(...createWords('FLAT', metric))).toBe('OK');
    await load(client, vectors);
    expect(await search(client, queries)).toEqual(
      queries.map((query) => bruteForce(metric, vectors, query, K)),
    );
  });

  test('HNSW: recall rises with EF_RUNTIME', async () => {
    await client.call(...createWords('HNSW', 'COSINE'));
    await load(client, vectors);
    const truth = queries.map((query) => bruteForce('COSINE', vectors, query, K));
    const curve: number[] = [];
    for (const ef of [10, 50, 200, 1000]) curve.push(recallOf(await search(client, queries, ef), truth));
    expect(curve).toEqual(curve.toSorted((a, b) => a - b));
    expect(curve.at(-1)).toBeGreaterThan(0.99);
  });

  test('updates and deletes are seen by the next search', async () => {
    await client.call(...createWords('HNSW', 'L2'));
    const held: (Float32Array | undefined)[] = [...vectors];
    await load(client, vectors);
    const others = makeVectors(2000, DIMENSIONS, 77);
    for (let i = 0; i < 2000; i += 4) {
      await client.callAll([
        ['DEL', keyOf(i)],
        ['HSET', keyOf(i + 1), 'embedding', blobOf(others[i]!)],
        ['HDEL', keyOf(i + 2), 'embedding'],
      ]);
      held[i] = held[i + 2] = undefined;
      held[i + 1] = others[i]!;
    }
    const found = await search(client, queries, 1000);
    expect(found.flat().filter((i) => held[i] === undefined)).toEqual([]);
    const truth = queries.map((query) => bruteForce('L2', held, query, K));
    expect(recallOf(found, truth)).toBeGreaterThan(0.98);
  });

  test('a key that becomes something else leaves the index', async () => {
    await client.call(...createWords('FLAT', 'L2'));
    await load(client, vectors.slice(0, 3));
    await client.callAll([
      ['SET', keyOf(0), 'x'],
      ['HSET', keyOf(1), 'embedding', 'short'],
    ]);
    expect((await search(client, [vectors[0]!]))[0]).toEqual([2]);
    expect(pairsOf(await client.call('FT.INFO', 'idx'))?.get('hash_indexing_failures')).toEqual(
      Buffer.from('1'),
    );
  });

  test('keys that were there before the index are taken in', async () => {
    await load(client, vectors);
    await client.call(...createWords('HNSW', 'L2'));
    let info = pairsOf(await client.call('FT.INFO', 'idx'))!;
    while (textOf(info.get('backfill_in_progress')) !== '0')
      info = pairsOf(await client.call('FT.INFO', 'idx'))!;
    expect(textOf(info.get('num_docs'))).toBe('2000');
    expect(textOf(info.get('mutation_queue_size'))).toBe('0');
    expect((await search(client, [vectors[42]!], 100))[0]![0]).toBe(42);
  });
});

describe('replies', () => {
  let engine: RunningEngine;
  let client: RawClient;
  const vectors = makeVectors(30, DIMENSIONS);
  const query = vectors[3]!;

  beforeAll(async () => {
    engine = await startEngine();
    client = await RawClient.open(engine.port);
    await client.call(...createWords('HNSW', 'L2'));
    await load(client, vectors);
  });
  afterAll(async () => {
    client[Symbol.dispose]();
    await engine[Symbol.asyncDispose]();
  });

  const rows = async (...words: (string | number | Buffer)[]): Promise<RespValue[]> => {
    const reply = await client.call(...words);
    if (!isRespArray(reply)) throw new Error(reply instanceof RespError ? reply.message : String(reply));
    return [...reply];
  };

  test('with content: count, key, the distance and all fields of the hash', async () => {
    const [count, key, fields] = await rows(...knn(query));
    expect(count).toBe(K);
    expect(textOf(key)).toBe(keyOf(3));
    expect(fields).toEqual(
      ['__embedding_score', '0', 'embedding', blobOf(query)].map((part) => Buffer.from(part)),
    );
  });

  test('NOCONTENT: count and keys', async () => {
    const reply = await rows(...knn(query, 50, ...WIRE));
    expect(reply).toHaveLength(1 + K);
    expect(reply[0]).toBe(K);
  });

  test('without LIMIT at most 10 rows, and the count says that there are more', async () => {
    const words = [
      'FT.SEARCH',
      'idx',
      '*=>[KNN 25 @embedding $b]',
      'PARAMS',
      2,
      'b',
      blobOf(query),
      'NOCONTENT',
    ];
    expect(await rows(...words)).toHaveLength(11);
    expect((await rows(...words))[0]).toBe(25);
    expect(await rows(...words, 'LIMIT', 0, 25)).toHaveLength(26);
    expect(await rows(...words, 'LIMIT', 20, 10)).toHaveLength(6);
    expect(await rows(...words, 'LIMIT', 0, 0)).toEqual([25]);
    expect(await rows(...words, 'LIMIT', 99, 10)).toEqual([25]);
  });

  test('RETURN chooses and renames fields, AS names the distance', async () => {
    const text = '*=>[KNN 1 @embedding $b AS far]';
    const words = ['FT.SEARCH', 'idx', text, 'PARAMS', 2, 'b', blobOf(vectors[4]!)];
    const named = async (...more: (string | number)[]): Promise<(string | undefined)[]> =>
      ((await rows(...words, ...more))[2] as RespValue[]).filter((_, i) => i % 2 === 0).map(textOf);
    expect(await named()).toEqual(['far', 'embedding']);
    expect(await named('RETURN', 1, 'far')).toEqual(['far']);
    expect(await named('RETURN', 4, 'embedding', 'AS', 'e', 'far')).toEqual(['e', 'far']);
    expect(await named('RETURN', 2, 'nosuch', 'far')).toEqual(['far']);
    expect(await rows(...words, 'RETURN', 0)).toHaveLength(2);
  });

  test('K and EF_RUNTIME may be parameters', async () => {
    const text = '*=>[KNN $k @embedding $b EF_RUNTIME $ef]';
    const reply = await rows('FT.SEARCH', 'idx', text, 'PARAMS', 6, 'k', 3, 'b', blobOf(query), 'ef', 20);
    expect(reply[0]).toBe(3);
  });

  test('FT.INFO has the shape of valkey-search', async () => {
    const info = pairsOf(await client.call('FT.INFO', 'idx'))!;
    expect(textOf(info.get('index_name'))).toBe('idx');
    expect(textOf(info.get('num_docs'))).toBe('30');
    expect(textOf(info.get('state'))).toBe('ready');
    const field = pairsOf((info.get('attributes') as RespValue[])[0])!;
    expect(textOf(field.get('identifier'))).toBe('embedding');
    const index = pairsOf(field.get('index'))!;
    expect(index.get('dimensions')).toBe(DIMENSIONS);
    const algorithm = pairsOf(index.get('algorithm'))!;
    expect([...algorithm]).toEqual([
      ['name', 'HNSW'],
      ['m', 16],
      ['ef_construction', 200],
      ['ef_runtime', 10],
    ]);
  });

  test.each([
    [['FT.SEARCH', 'nosuch', '*=>[KNN 1 @embedding $b]'], /^Index with name 'nosuch' not found/],
    [['FT.INFO', 'nosuch'], /not found/],
    [['FT.DROPINDEX', 'nosuch'], /not found/],
    [['FT.SEARCH', 'idx', 'hello'], /Missing `=>`/],
    [['FT.SEARCH', 'idx', '*=>[KNN 1 @embedding $b]'], /Parameter b not found/],
    [['FT.SEARCH', 'idx', '*=>[KNN 1 @nosuch $b]', 'PARAMS', '2', 'b', 'x'], /nosuch/],
    [
      ['FT.SEARCH', 'idx', '*=>[KNN 1 @embedding $b]', 'PARAMS', '2', 'b', 'x'],
      /blob size \(1\) .* size \(64\)/,
    ],
    [['FT.SEARCH', 'idx', '*=>[KNN 0 @embedding $b]', 'PARAMS', '2', 'b', 'x'], /K/],
    [['FT.SEARCH', 'idx', '*=>[KNN 1 @embedding $b]', 'PARAMS', '3', 'b', 'x', 'y'], /even number/],
    [['FT.SEARCH', 'idx', '*=>[KNN 1 @embedding $b]', 'NOSUCH'], /NOSUCH/],
    [['FT.SEARCH', 'idx', '@tag:{x}=>[KNN 1 @embedding $b]'], /Invalid filter expression/],
    [['FT.CREATE', 'idx', 'SCHEMA', 'v', 'TAG'], /already exists/],
    [['FT.CREATE', 'x'], /SCHEMA/],
    [['FT.CREATE', 'x', 'SCHEMA', 'v', 'VECTOR', 'HNSW', '2', 'DIM', '4'], /TYPE/],
    [['FT.CREATE', 'x', 'SCHEMA', 'v', 'VECTOR', 'NOSUCH', '0'], /HNSW or FLAT/],
    [['FT.CREATE', 'x', 'SCHEMA', 'v', 'VECTOR', 'FLAT', '99'], /99 .*got 0|number of parameters/],
    [['FT.CREATE', 'x', 'ON', 'JSON', 'SCHEMA', 'v', 'TAG'], /HASH/],
  ] as const)('error: %j', async (words, message) => {
    const reply = await client.call(...words);
    expect(reply).toBeInstanceOf(RespError);
    expect((reply as RespError).message).toMatch(message);
  });

  test('FT._LIST and FT.DROPINDEX; FLUSHDB takes indexes with it', async () => {
    using other = await RawClient.open(engine.port);
    await other.call(
      'FT.CREATE',
      'second',
      'SCHEMA',
      'v',
      'VECTOR',
      'FLAT',
      6,
      'TYPE',
      'FLOAT32',
      'DIM',
      2,
      'DISTANCE_METRIC',
      'L2',
    );
    expect(((await other.call('FT._LIST')) as RespValue[]).map(textOf)).toEqual(['idx', 'second']);
    expect(await other.call('FT.DROPINDEX', 'second')).toBe('OK');
    expect(((await other.call('FT._LIST')) as RespValue[]).map(textOf)).toEqual(['idx']);
    expect(await other.call('DBSIZE')).toBe(30);
    await other.call('FLUSHDB');
    expect(await other.call('FT._LIST')).toEqual([]);
  });
});
