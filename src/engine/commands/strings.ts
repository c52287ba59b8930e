import type { Client } from '../client.ts';
import { CommandError, syntaxError, wrongArity } from '../command-error.ts';
import { command, keyCommand } from '../command.ts';

const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);

export const stringCommands = [
  keyCommand('get', 2, 'readonly', 'The value of a key.', get),
  keyCommand('set', -3, 'write', 'Sets a key, whatever it holds.', set),
  keyCommand('setnx', 3, 'write', 'Sets a key that does not exist.', setNew),
  keyCommand('getset', 3, 'write', 'Sets a key, and tells what it held.', getSet),
  keyCommand('getdel', 2, 'write', 'The value of a key, which is deleted.', getDelete),
  keyCommand('strlen', 2, 'readonly', 'The length of a value, bytes.', ({ database, request, reply }) =>
    reply.integer(database.string(request.text(1))?.length ?? 0),
  ),
  keyCommand('incr', 2, 'write', 'Adds 1.', (client) => add(client, 1n)),
  keyCommand('decr', 2, 'write', 'Takes away 1.', (client) => add(client, -1n)),
  keyCommand('incrby', 3, 'write', 'Adds a whole number.', (client) =>
    add(client, toInt64(client.request.text(2))),
  ),
  keyCommand('decrby', 3, 'write', 'Takes away a whole number.', (client) =>
    add(client, -toInt64(client.request.text(2))),
  ),
  command('mget', -2, 'The values of keys.', getMany, { flags: ['readonly', 'fast'], keys: [1, -1, 1] }),
  command('mset', -3, 'Sets keys.', setMany, { flags: ['write'], keys: [1, -1, 2] }),
];

function get({ database, engine, request, reply }: Client): void {
  const value = database.string(request.text(1));
  if (value === undefined) {
    engine.stats.misses++;
    reply.null();
  } else {
    engine.stats.hits++;
    reply.bulk(value);
  }
}

function set({ database, request, reply }: Client): void {
  const key = request.text(1);
  let when: 'NX' | 'XX' | undefined;
  let wantsOld = false;
  for (let i = 3; i < request.count; i++) {
    const option = request.upper(i);
    if (option === 'GET') wantsOld = true;
    else if ((option === 'NX' || option === 'XX') && (when === undefined || when === option)) when = option;
    else if (/^(EX|PX|EXAT|PXAT)$/.test(option))
      throw new CommandError('ERR keys do not expire in stagewatch-engine');
    else if (option !== 'KEEPTTL') throw syntaxError();
  }
  const old = wantsOld ? database.string(key) : undefined;
  const isDone = when === undefined || database.has(key) === (when === 'XX');
  if (isDone) database.put(key, request.text(2));
  if (wantsOld) {
    if (old === undefined) reply.null();
    else reply.bulk(old);
  } else if (isDone) reply.ok();
  else reply.null();
}

function setNew({ database, request, reply }: Client): void {
  const key = request.text(1);
  const isNew = !database.has(key);
  if (isNew) database.put(key, request.text(2));
  reply.integer(isNew ? 1 : 0);
}

function getSet({ database, request, reply }: Client): void {
  const key = request.text(1);
  const old = database.string(key);
  database.put(key, request.text(2));
  if (old === undefined) reply.null();
  else reply.bulk(old);
}

function getDelete({ database, request, reply }: Client): void {
  const key = request.text(1);
  const old = database.string(key);
  if (old === undefined) return reply.null();
  database.delete(key);
  reply.bulk(old);
}

function add({ database, request, reply }: Client, by: bigint): void {
  const key = request.text(1);
  const sum = toInt64(database.string(key) ?? '0') + by;
  if (sum > MAX_INT64 || sum < MIN_INT64) throw new CommandError('ERR increment or decrement would overflow');
  database.put(key, String(sum));
  reply.integer(sum);
}

function toInt64(text: string): bigint {
  const value = /^(0|-?[1-9]\d{0,18})$/.test(text) ? BigInt(text) : undefined;
  if (value === undefined || value > MAX_INT64 || value < MIN_INT64)
    throw new CommandError('ERR value is not an integer or out of range');
  return value;
}

function getMany({ database, engine, request, reply }: Client): void {
  reply.array(request.count - 1);
  for (let i = 1; i < request.count; i++) {
    const value = database.get(request.text(i));
    if (typeof value === 'string') {
      engine.stats.hits++;
      reply.bulk(value);
    } else {
      engine.stats.misses++;
      reply.null();
    }
  }
}

function setMany({ database, request, reply }: Client): void {
  if (request.count % 2 === 0) throw wrongArity('mset');
  for (let i = 1; i < request.count; i += 2) database.put(request.text(i), request.text(i + 1));
  reply.ok();
}
