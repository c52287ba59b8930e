import type { Client } from '../client.ts';
import { CommandError, wrongArity } from '../command-error.ts';
import { keyCommand } from '../command.ts';
import type { Hash } from '../values/database.ts';

export const hashCommands = [
  keyCommand('hset', -4, 'write', 'Sets fields of a hash.', (client) =>
    client.reply.integer(setFields(client, 'hset')),
  ),
  keyCommand('hmset', -4, 'write', 'Sets fields of a hash.', (client) => {
    setFields(client, 'hmset');
    client.reply.ok();
  }),
  keyCommand('hsetnx', 4, 'write', 'Sets a field that does not exist.', setNewField),
  keyCommand('hget', 3, 'readonly', 'The value of a field.', getField),
  keyCommand('hmget', -3, 'readonly', 'The values of fields.', getFields),
  keyCommand('hgetall', 2, 'readonly', 'All fields and values.', getAll),
  keyCommand('hkeys', 2, 'readonly', 'All fields.', ({ database, request, reply }) =>
    reply.bulks([...(database.hash(request.text(1))?.keys() ?? [])]),
  ),
  keyCommand('hvals', 2, 'readonly', 'All values.', ({ database, request, reply }) =>
    reply.bulks([...(database.hash(request.text(1))?.values() ?? [])]),
  ),
  keyCommand('hlen', 2, 'readonly', 'The number of fields.', ({ database, request, reply }) =>
    reply.integer(database.hash(request.text(1))?.size ?? 0),
  ),
  keyCommand('hexists', 3, 'readonly', 'Whether a field exists.', ({ database, request, reply }) =>
    reply.integer(database.hash(request.text(1))?.has(request.text(2)) ? 1 : 0),
  ),
  keyCommand('hstrlen', 3, 'readonly', 'The length of a field, bytes.', ({ database, request, reply }) =>
    reply.integer(database.hash(request.text(1))?.get(request.text(2))?.length ?? 0),
  ),
  keyCommand('hdel', -3, 'write', 'Deletes fields.', deleteFields),
  keyCommand('hincrby', 4, 'write', 'Adds a whole number to a field.', incrementField),
];

function hashFor({ database }: Client, key: string): Hash {
  const known = database.hash(key);
  if (known) return known;
  const hash: Hash = new Map();
  database.put(key, hash);
  return hash;
}

/** @returns how many fields are new. */
function setFields(client: Client, name: string): number {
  const { request } = client;
  if (request.count % 2 === 1) throw wrongArity(name);
  const key = request.text(1);
  const hash = hashFor(client, key);
  const before = hash.size;
  for (let i = 2; i < request.count; i += 2) hash.set(request.text(i), request.text(i + 1));
  client.database.hashChanged(key, hash);
  return hash.size - before;
}

function setNewField(client: Client): void {
  const { database, request, reply } = client;
  const key = request.text(1);
  const field = request.text(2);
  if (database.hash(key)?.has(field)) return reply.integer(0);
  const hash = hashFor(client, key);
  hash.set(field, request.text(3));
  database.hashChanged(key, hash);
  reply.integer(1);
}

function getField({ database, engine, request, reply }: Client): void {
  const hash = database.hash(request.text(1));
  if (hash === undefined) engine.stats.misses++;
  else engine.stats.hits++;
  const value = hash?.get(request.text(2));
  if (value === undefined) reply.null();
  else reply.bulk(value);
}

function getFields({ database, request, reply }: Client): void {
  const hash = database.hash(request.text(1));
  reply.array(request.count - 2);
  for (let i = 2; i < request.count; i++) {
    const value = hash?.get(request.text(i));
    if (value === undefined) reply.null();
    else reply.bulk(value);
  }
}

function getAll({ database, request, reply }: Client): void {
  const hash = database.hash(request.text(1));
  reply.map(hash?.size ?? 0);
  for (const [field, value] of hash ?? []) {
    reply.bulk(field);
    reply.bulk(value);
  }
}

function deleteFields({ database, request, reply }: Client): void {
  const key = request.text(1);
  const hash = database.hash(key);
  let deleted = 0;
  if (hash) {
    for (let i = 2; i < request.count; i++) if (hash.delete(request.text(i))) deleted++;
    if (deleted > 0) database.hashChanged(key, hash);
  }
  reply.integer(deleted);
}

function incrementField(client: Client): void {
  const { database, request, reply } = client;
  const key = request.text(1);
  const field = request.text(2);
  const by = request.integer(3);
  const old = database.hash(key)?.get(field) ?? '0';
  const sum = Number(old) + by;
  if (!/^-?\d{1,16}$/.test(old)) throw new CommandError('ERR hash value is not an integer');
  if (!Number.isSafeInteger(sum)) throw new CommandError('ERR increment or decrement would overflow');
  const hash = hashFor(client, key);
  hash.set(field, String(sum));
  database.hashChanged(key, hash);
  reply.integer(sum);
}
