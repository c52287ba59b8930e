import type { Client } from '../client.ts';
import { CommandError, syntaxError } from '../command-error.ts';
import { keyCommand } from '../command.ts';
import { SortedSet } from '../values/sorted-set.ts';

export const sortedSetCommands = [
  keyCommand('zadd', -4, 'write', 'Adds members with scores.', add),
  keyCommand('zrem', -3, 'write', 'Deletes members.', remove),
  keyCommand('zpopmin', -2, 'write', 'Takes the members with the lowest scores.', popLowest),
  keyCommand('zcard', 2, 'readonly', 'The number of members.', ({ database, request, reply }) =>
    reply.integer(database.sortedSet(request.text(1))?.size ?? 0),
  ),
  keyCommand('zscore', 3, 'readonly', 'The score of a member.', score),
  keyCommand('zrange', -4, 'readonly', 'Members by rank.', range),
];

function add({ database, request, reply }: Client): void {
  const key = request.text(1);
  if (request.count % 2 === 1) throw syntaxError();
  const scores: number[] = [];
  for (let i = 2; i < request.count; i += 2) scores.push(request.float(i));
  let set = database.sortedSet(key);
  if (set === undefined) database.put(key, (set = new SortedSet()));
  const before = set.size;
  for (const [i, value] of scores.entries()) set.set(request.text(3 + 2 * i), value);
  reply.integer(set.size - before);
}

function remove({ database, request, reply }: Client): void {
  const key = request.text(1);
  const set = database.sortedSet(key);
  let removed = 0;
  for (let i = 2; i < request.count; i++) if (set?.delete(request.text(i))) removed++;
  if (set?.size === 0) database.delete(key);
  reply.integer(removed);
}

function popLowest({ database, request, reply }: Client): void {
  const key = request.text(1);
  const set = database.sortedSet(key);
  if (request.count > 3) throw syntaxError();
  const count = request.count > 2 ? request.integer(2) : undefined;
  if (count !== undefined && count < 0) throw new CommandError('ERR value is out of range, must be positive');
  const taken = Math.min(count ?? 1, set?.size ?? 0);
  // RESP3 nests pairs only where a count was given.
  const isNested = reply.protocol === 3 && count !== undefined;
  reply.array(isNested ? taken : taken * 2);
  for (let i = 0; i < taken; i++) {
    const { member, score } = set!.takeLowest()!;
    if (isNested) reply.array(2);
    reply.bulk(member);
    reply.double(score);
  }
  if (set?.size === 0) database.delete(key);
}

function score({ database, request, reply }: Client): void {
  const value = database.sortedSet(request.text(1))?.score(request.text(2));
  if (value === undefined) reply.null();
  else reply.double(value);
}

function range({ database, request, reply }: Client): void {
  const from = request.integer(2);
  const to = request.integer(3);
  const withScores = request.count === 5 && request.upper(4) === 'WITHSCORES';
  if (request.count > 4 && !withScores) throw syntaxError();
  const ordered = database.sortedSet(request.text(1))?.ordered() ?? [];
  const last = to < 0 ? ordered.length + to : to;
  const chosen = ordered.slice(from < 0 ? Math.max(0, ordered.length + from) : from, Math.max(0, last + 1));
  const isNested = withScores && reply.protocol === 3;
  reply.array(withScores && !isNested ? chosen.length * 2 : chosen.length);
  for (const { member, score } of chosen) {
    if (isNested) reply.array(2);
    reply.bulk(member);
    if (withScores) reply.double(score);
  }
}
