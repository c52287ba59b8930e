import type { Client } from '../client.ts';
import { CommandError } from '../command-error.ts';
import { command } from '../command.ts';
import { writeIndexInfo } from '../search/index-info.ts';
import { parseSearch, type SearchQuery } from '../search/query.ts';
import { parseCreate } from '../search/schema.ts';
import type { Neighbours } from '../vector/vector-index.ts';

export const searchCommands = [
  command('ft.create', -2, 'Makes a vector index on hashes.', create, { flags: ['write'] }),
  command('ft.search', -3, 'The nearest vectors.', search, { flags: ['readonly'] }),
  command('ft.info', -2, 'Facts and figures of an index.', info, { flags: ['readonly', 'fast'] }),
  command('ft._list', 1, 'All indexes.', ({ engine, reply }) => reply.bulks(engine.search.names), {
    flags: ['readonly'],
  }),
  command('ft.dropindex', 2, 'Deletes an index; its keys stay.', drop, { flags: ['write'] }),
];

function create({ engine, databaseIndex, request, reply }: Client): void {
  if (databaseIndex !== 0) throw new CommandError('Cannot create index on db != 0');
  const index = engine.search.create(parseCreate(request));
  index.backfill(engine.databases[0]!);
  reply.ok();
}

function drop({ engine, request, reply }: Client): void {
  engine.search.drop(request.text(1));
  reply.ok();
}

function info({ engine, request, reply }: Client): void {
  writeIndexInfo(reply, engine.search.get(request.text(1)));
}

function search(client: Client): void {
  const { counters } = client.engine.search;
  try {
    const query = parseSearch(client.request, client.engine.search.get(client.request.text(1)));
    const startedMs = performance.now();
    const found = query.field.search(query.blob, query.k, query.ef);
    const us = (performance.now() - startedMs) * 1000;
    if (query.field.schema.algorithm === 'HNSW') counters.hnswUs += us;
    else counters.flatUs += us;
    write(client, query, found);
    counters.successful++;
  } catch (error) {
    counters.failed++;
    throw error;
  }
}

/** The count of all that was found, then the rows that LIMIT leaves: as valkey-search replies. */
function write({ engine, reply }: Client, query: SearchQuery, { slots, distances }: Neighbours): void {
  const { field, offset, limit, noContent, returned, scoreAs } = query;
  const start = Math.min(offset, slots.length);
  const end = Math.min(slots.length, start + limit);
  reply.array(1 + (end - start) * (noContent ? 1 : 2));
  reply.integer(slots.length);
  for (let i = start; i < end; i++) {
    const key = field.keyOf(slots[i]!);
    reply.bulk(key);
    if (noContent) continue;
    const score = formatScore(distances[i]!);
    const hash = engine.databases[0]!.hash(key);
    const fields = returned ?? [
      { name: scoreAs, as: scoreAs },
      ...[...(hash?.keys() ?? [])].map((name) => ({ name, as: name })),
    ];
    const valueOf = (name: string): string | undefined => (name === scoreAs ? score : hash?.get(name));
    const present = fields.filter(({ name }) => valueOf(name) !== undefined);
    reply.array(present.length * 2);
    for (const { name, as } of present) {
      reply.bulk(as);
      reply.bulk(valueOf(name)!);
    }
  }
}

/** As C prints it with %.12g. */
function formatScore(distance: number): string {
  const [digits = '', exponent] = distance.toPrecision(12).split('e');
  const trimmed = digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits;
  const power = distance === 0 ? 0 : Math.floor(Math.log10(Math.abs(distance)));
  // toPrecision changes to exponents below 1e-6, C below 1e-4.
  if (exponent === undefined && power >= -4) return trimmed;
  const [mantissa = '', scale = '0'] = distance.toExponential(11).split('e');
  const sign = scale.startsWith('-') ? '-' : '+';
  return `${mantissa.replace(/\.?0+$/, '')}e${sign}${scale.slice(1).padStart(2, '0')}`;
}
