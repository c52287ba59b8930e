import type { Client } from '../client.ts';
import { CommandError } from '../command-error.ts';
import { keyCommand } from '../command.ts';
import { RandomSet } from '../values/random-set.ts';

export const setCommands = [
  keyCommand('sadd', -3, 'write', 'Adds members.', add),
  keyCommand('srem', -3, 'write', 'Deletes members.', remove),
  keyCommand('spop', -2, 'write', 'Takes random members.', pop),
  keyCommand('scard', 2, 'readonly', 'The number of members.', ({ database, request, reply }) =>
    reply.integer(database.set(request.text(1))?.size ?? 0),
  ),
  keyCommand('sismember', 3, 'readonly', 'Whether it is a member.', ({ database, request, reply }) =>
    reply.integer(database.set(request.text(1))?.has(request.text(2)) ? 1 : 0),
  ),
  keyCommand('smembers', 2, 'readonly', 'All members.', members),
];

function add({ database, request, reply }: Client): void {
  const key = request.text(1);
  let set = database.set(key);
  if (set === undefined) database.put(key, (set = new RandomSet()));
  let added = 0;
  for (let i = 2; i < request.count; i++) if (set.add(request.text(i))) added++;
  reply.integer(added);
}

function remove({ database, request, reply }: Client): void {
  const key = request.text(1);
  const set = database.set(key);
  let removed = 0;
  for (let i = 2; i < request.count; i++) if (set?.delete(request.text(i))) removed++;
  if (set?.size === 0) database.delete(key);
  reply.integer(removed);
}

function pop({ database, request, reply }: Client): void {
  const key = request.text(1);
  const set = database.set(key);
  const count = request.count > 2 ? request.integer(2) : undefined;
  if (count !== undefined && count < 0) throw new CommandError('ERR value is out of range, must be positive');
  if (count === undefined) {
    const member = set?.takeRandom();
    if (member === undefined) reply.null();
    else reply.bulk(member);
  } else {
    const taken = Math.min(count, set?.size ?? 0);
    reply.set(taken);
    for (let i = 0; i < taken; i++) reply.bulk(set!.takeRandom()!);
  }
  if (set?.size === 0) database.delete(key);
}

function members({ database, request, reply }: Client): void {
  const set = database.set(request.text(1));
  reply.set(set?.size ?? 0);
  for (const member of set ?? []) reply.bulk(member);
}
