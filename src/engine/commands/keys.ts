import type { Client } from '../client.ts';
import { CommandError, syntaxError } from '../command-error.ts';
import { command, keyCommand } from '../command.ts';
import { globMatcher } from '../glob.ts';
import { typeOfValue } from '../values/database.ts';

const KEYS = { keys: [1, -1, 1] } as const;

export const keyCommands = [
  command('del', -2, 'Deletes keys.', remove, { flags: ['write'], ...KEYS }),
  command('unlink', -2, 'Deletes keys.', remove, { flags: ['write', 'fast'], ...KEYS }),
  command('exists', -2, 'How many of the keys exist.', exists, { flags: ['readonly', 'fast'], ...KEYS }),
  keyCommand('type', 2, 'readonly', 'What a key holds.', ({ database, request, reply }) =>
    reply.simple(typeOfValue(database.get(request.text(1)))),
  ),
  keyCommand('ttl', 2, 'readonly', 'Keys do not expire: -1, or -2 without the key.', timeToLive),
  keyCommand('pttl', 2, 'readonly', 'Keys do not expire: -1, or -2 without the key.', timeToLive),
  command('keys', 2, 'All keys that match a pattern.', keys, { flags: ['readonly'] }),
  command('scan', -2, 'Keys, a part at a time.', scan, { flags: ['readonly'] }),
  command('randomkey', 1, 'Any key.', randomKey, { flags: ['readonly'] }),
  command('dbsize', 1, 'The number of keys.', ({ database, reply }) => reply.integer(database.size), {
    flags: ['readonly', 'fast'],
  }),
  command('flushdb', -1, 'Deletes all keys and indexes of the database.', (client) => flush(client, false), {
    flags: ['write'],
  }),
  command('flushall', -1, 'Deletes all keys and indexes.', (client) => flush(client, true), {
    flags: ['write'],
  }),
];

function remove({ database, request, reply }: Client): void {
  let removed = 0;
  for (let i = 1; i < request.count; i++) if (database.delete(request.text(i))) removed++;
  reply.integer(removed);
}

function exists({ database, request, reply }: Client): void {
  let found = 0;
  for (let i = 1; i < request.count; i++) if (database.has(request.text(i))) found++;
  reply.integer(found);
}

function timeToLive({ database, request, reply }: Client): void {
  reply.integer(database.has(request.text(1)) ? -1 : -2);
}

function keys({ database, request, reply }: Client): void {
  const matches = globMatcher(request.text(1));
  reply.bulks([...database.keys()].filter(matches));
}

/** The cursor is a position in the order of insertion: what is deleted meanwhile may make later keys be missed. */
function scan({ database, request, reply }: Client): void {
  const cursor = request.text(1);
  if (!/^\d{1,15}$/.test(cursor)) throw new CommandError('ERR invalid cursor');
  let matches: (key: string) => boolean = () => true;
  let count = 10;
  let type: string | undefined;
  for (let i = 2; i < request.count; i += 2) {
    const option = request.upper(i);
    if (i + 1 >= request.count) throw syntaxError();
    if (option === 'MATCH') matches = globMatcher(request.text(i + 1));
    else if (option === 'COUNT') count = request.integer(i + 1);
    else if (option === 'TYPE') type = request.text(i + 1).toLowerCase();
    else throw syntaxError();
  }
  if (count < 1) throw syntaxError();
  const found: string[] = [];
  const start = Number(cursor);
  let at = 0;
  let next = 0;
  for (const key of database.keys()) {
    if (at++ < start) continue;
    if (at > start + count) {
      next = at - 1;
      break;
    }
    if (matches(key) && (type === undefined || typeOfValue(database.get(key)) === type)) found.push(key);
  }
  reply.array(2);
  reply.bulk(String(next));
  reply.bulks(found);
}

function randomKey({ database, reply }: Client): void {
  let skip = Math.floor(Math.random() * database.size);
  for (const key of database.keys()) if (skip-- === 0) return reply.bulk(key);
  reply.null();
}

function flush({ database, engine, request, reply }: Client, all: boolean): void {
  if (request.count > 2 || (request.count === 2 && !/^(A?SYNC)$/.test(request.upper(1)))) throw syntaxError();
  for (const one of all ? engine.databases : [database]) one.clear();
  reply.ok();
}
