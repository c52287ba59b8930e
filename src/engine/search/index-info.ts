import type { Reply } from '../wire/reply.ts';
import type { SearchIndex } from './search-index.ts';
import type { VectorField } from './vector-field.ts';

/** FT.INFO, in the shape of valkey-search: names and values in turn, numbers as text. */
export function writeIndexInfo(reply: Reply, index: SearchIndex): void {
  const { schema } = index;
  const facts: [string, string][] = [
    ['num_docs', String(index.documents)],
    ['num_terms', '0'],
    ['num_records', String(index.vectors.reduce((sum, { size }) => sum + size, 0))],
    ['hash_indexing_failures', String(index.failures)],
    ['backfill_in_progress', index.isBackfilling ? '1' : '0'],
    ['backfill_complete_percent', index.backfilled.toFixed(6)],
    // A write replies when it is indexed: nothing ever waits.
    ['mutation_queue_size', '0'],
    ['recent_mutations_queue_delay', '0 sec'],
    ['state', index.isBackfilling ? 'backfill_in_progress' : 'ready'],
  ];
  reply.array((4 + facts.length) * 2);
  reply.simple('index_name');
  reply.bulk(schema.name);
  reply.simple('index_options');
  reply.array(0);
  reply.simple('index_definition');
  reply.array(6);
  reply.simple('key_type');
  reply.simple('HASH');
  reply.simple('prefixes');
  reply.bulks(schema.prefixes);
  reply.simple('default_score');
  reply.bulk('1');
  reply.simple('attributes');
  reply.array(schema.fields.length);
  for (const field of schema.fields) {
    const isVector = field.kind === 'vector';
    reply.array(isVector ? 8 : 6);
    reply.simple('identifier');
    reply.bulk(field.name);
    reply.simple('attribute');
    reply.bulk(field.alias);
    reply.simple('type');
    reply.simple(isVector ? 'VECTOR' : field.kind);
    if (isVector)
      writeVector(
        reply,
        index.vectors.find(({ schema }) => schema === field)!,
      );
  }
  for (const [name, value] of facts) {
    reply.simple(name);
    reply.bulk(value);
  }
}

function writeVector(reply: Reply, { schema, size }: VectorField): void {
  const isHnsw = schema.algorithm === 'HNSW';
  reply.simple('index');
  reply.array(12);
  reply.simple('capacity');
  reply.integer(size);
  reply.simple('dimensions');
  reply.integer(schema.dimensions);
  reply.simple('distance_metric');
  reply.simple(schema.metric);
  reply.simple('size');
  reply.bulk(String(size));
  reply.simple('data_type');
  reply.simple('FLOAT32');
  reply.simple('algorithm');
  reply.array(isHnsw ? 8 : 4);
  reply.simple('name');
  reply.simple(schema.algorithm);
  const parameters: [string, number][] = isHnsw
    ? [
        ['m', schema.m],
        ['ef_construction', schema.efConstruction],
        ['ef_runtime', schema.efRuntime],
      ]
    : [['block_size', 1024]];
  for (const [name, value] of parameters) {
    reply.simple(name);
    reply.integer(value);
  }
}
