import { expect, test } from 'vitest';
import type { Reply } from '../../src/valkey/client.ts';
import { isIndexReady, parseFtInfo, parseFtList } from '../../src/valkey/ftinfo.ts';

/** Names and values in one list, as RESP2 has maps. */
const pairs = (fields: Readonly<Record<string, Reply>>): Reply => Object.entries(fields).flat() as Reply[];

test('valkey-search: the vector field lies in `index`, its algorithm in a list of its own', () => {
  const algorithm = pairs({ name: 'HNSW', m: 16, ef_construction: 200, ef_runtime: 10 });
  const index = parseFtInfo([
    'index_name',
    'idx',
    'num_docs',
    '1000',
    'hash_indexing_failures',
    '2',
    'backfill_in_progress',
    '0',
    'mutation_queue_size',
    '7',
    'attributes',
    [
      [
        'identifier',
        'embedding',
        'attribute',
        'vec',
        'type',
        'VECTOR',
        'index',
        ['dimensions', 64, 'distance_metric', 'COSINE', 'data_type', 'FLOAT32', 'algorithm', algorithm],
      ],
      pairs({ identifier: 'tag', attribute: 'tag', type: 'TAG' }),
    ],
  ])!;
  expect(index).toMatchObject({ name: 'idx', documents: 1000, indexingFailures: 2, mutationQueue: 7 });
  expect(index.vectors).toEqual([
    {
      name: 'vec',
      algorithm: 'HNSW',
      dimensions: 64,
      metric: 'COSINE',
      m: 16,
      efConstruction: 200,
      efRuntime: 10,
    },
  ]);
  expect(isIndexReady(index)).toBe(false);
});

test('Redis Query Engine: one flat list, `indexing` instead of a backfill', () => {
  const attribute = pairs({
    identifier: 'e',
    attribute: 'e',
    type: 'VECTOR',
    algorithm: 'FLAT',
    dim: 4,
    distance_metric: 'L2',
  });
  const index = parseFtInfo([
    'index_name',
    'idx',
    'num_docs',
    5,
    'indexing',
    0,
    'vector_index_sz_mb',
    '0.25',
    'gc_stats',
    pairs({ bytes_collected: '12', last_run_time_ms: '-nan' }),
    'attributes',
    [attribute],
  ])!;
  expect(index.vectors).toMatchObject([{ algorithm: 'FLAT', dimensions: 4, metric: 'L2', m: undefined }]);
  expect([...index.numbers]).toEqual([
    ['num_docs', 5],
    ['indexing', 0],
    ['vector_index_sz_mb', 0.25],
    ['gc_stats.bytes_collected', 12],
  ]);
  expect(isIndexReady(index)).toBe(true);
});

test('anything else is no index', () => {
  for (const reply of [null, 'OK', 7, [], ['index_name'], ['index_name', ['a']]])
    expect(parseFtInfo(reply)).toBeUndefined();
  expect(parseFtInfo(['index_name', '__proto__', 'attributes', 'none'])).toMatchObject({
    name: '__proto__',
    vectors: [],
  });
  expect(parseFtList(['a', 7, null, 'b'])).toEqual(['a', 'b']);
  expect(parseFtList(null)).toEqual([]);
});
