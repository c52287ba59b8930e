import type { Client } from '../client.ts';
import { CommandError, syntaxError, wrongArity } from '../command-error.ts';
import { keyCommand } from '../command.ts';
import { Stream, type StreamId } from '../values/stream.ts';

export const streamCommands = [
  keyCommand('xadd', -5, 'write', 'Adds an entry.', add),
  keyCommand('xlen', 2, 'readonly', 'The number of entries.', ({ database, request, reply }) =>
    reply.integer(database.stream(request.text(1))?.entries.length ?? 0),
  ),
  keyCommand('xrange', -4, 'readonly', 'All entries: from - to +.', range),
];

function add({ database, request, reply }: Client): void {
  if (request.count % 2 === 0) throw wrongArity('xadd');
  const key = request.text(1);
  const known = database.stream(key);
  const stream = known ?? new Stream();
  const given = request.text(2);
  const id = given === '*' ? stream.nextId(Date.now()) : toId(given);
  const fields: string[] = [];
  for (let i = 3; i < request.count; i++) fields.push(request.text(i));
  if (id[0] === 0 && id[1] === 0)
    throw new CommandError('ERR The ID specified in XADD must be greater than 0-0');
  if (!stream.add({ id, fields }))
    throw new CommandError(
      'ERR The ID specified in XADD is equal or smaller than the target stream top item',
    );
  if (known === undefined) database.put(key, stream);
  reply.bulk(id.join('-'));
}

function toId(text: string): StreamId {
  const match = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(text);
  if (match === null) throw new CommandError('ERR Invalid stream ID specified as stream command argument');
  return [Number(match[1]), Number(match[2] ?? 0)];
}

function range({ database, request, reply }: Client): void {
  if (request.count !== 4 || request.text(2) !== '-' || request.text(3) !== '+') throw syntaxError();
  const entries = database.stream(request.text(1))?.entries ?? [];
  reply.array(entries.length);
  for (const { id, fields } of entries) {
    reply.array(2);
    reply.bulk(id.join('-'));
    reply.bulks(fields);
  }
}
