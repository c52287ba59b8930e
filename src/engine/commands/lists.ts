import type { Client } from '../client.ts';
import { CommandError } from '../command-error.ts';
import { keyCommand } from '../command.ts';
import { Deque } from '../values/deque.ts';

export const listCommands = [
  keyCommand('lpush', -3, 'write', 'Adds at the head.', (client) =>
    push(client, (list, item) => list.unshift(item)),
  ),
  keyCommand('rpush', -3, 'write', 'Adds at the tail.', (client) =>
    push(client, (list, item) => list.push(item)),
  ),
  keyCommand('lpop', -2, 'write', 'Takes from the head.', (client) => pop(client, (list) => list.shift())),
  keyCommand('rpop', -2, 'write', 'Takes from the tail.', (client) => pop(client, (list) => list.pop())),
  keyCommand('llen', 2, 'readonly', 'The length of a list.', ({ database, request, reply }) =>
    reply.integer(database.list(request.text(1))?.length ?? 0),
  ),
  keyCommand('lrange', 4, 'readonly', 'A part of a list.', range),
  keyCommand('lindex', 3, 'readonly', 'One item of a list.', item),
];

function push({ database, request, reply }: Client, add: (list: Deque, item: string) => void): void {
  const key = request.text(1);
  let list = database.list(key);
  if (list === undefined) database.put(key, (list = new Deque()));
  for (let i = 2; i < request.count; i++) add(list, request.text(i));
  reply.integer(list.length);
}

function pop({ database, request, reply }: Client, take: (list: Deque) => string | undefined): void {
  const key = request.text(1);
  const list = database.list(key);
  const count = request.count > 2 ? request.integer(2) : undefined;
  if (count !== undefined && count < 0) throw new CommandError('ERR value is out of range, must be positive');
  if (list === undefined) return count === undefined ? reply.null() : reply.nullArray();
  if (count === undefined) reply.bulk(take(list)!);
  else {
    const length = Math.min(count, list.length);
    reply.array(length);
    for (let i = 0; i < length; i++) reply.bulk(take(list)!);
  }
  if (list.length === 0) database.delete(key);
}

function range({ database, request, reply }: Client): void {
  const from = request.integer(2);
  const to = request.integer(3);
  const list = database.list(request.text(1));
  if (list === undefined) return reply.array(0);
  const first = from < 0 ? Math.max(0, list.length + from) : from;
  const last = Math.min(to < 0 ? list.length + to : to, list.length - 1);
  reply.array(Math.max(0, last - first + 1));
  for (let i = first; i <= last; i++) reply.bulk(list.at(i)!);
}

function item({ database, request, reply }: Client): void {
  const index = request.integer(2);
  const list = database.list(request.text(1));
  const value = list?.at(index < 0 ? list.length + index : index);
  if (value === undefined) reply.null();
  else reply.bulk(value);
}
