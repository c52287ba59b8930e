import type { Client } from '../client.ts';
import { CommandError, syntaxError } from '../command-error.ts';
import { command, container } from '../command.ts';

export const clientCommands = [
  container('client', 'About connections.', [
    command('client|id', 2, 'The number of this connection.', ({ id, reply }) => reply.integer(id)),
    command('client|getname', 2, 'The name of this connection.', getName),
    command('client|setname', 3, 'Names this connection.', setName),
    command('client|setinfo', 4, 'Tells which library the client is.', setInfo),
    command('client|info', 2, 'This connection, in a line.', (client) =>
      client.reply.verbatim(`${describe(client)}\n`),
    ),
    command('client|list', -2, 'All connections, a line each.', list),
    command('client|kill', -3, 'Closes connections.', kill),
    command('client|no-evict', 3, 'Accepted, and without effect.', ({ reply }) => reply.ok()),
    command('client|no-touch', 3, 'Accepted, and without effect.', ({ reply }) => reply.ok()),
  ]),
];

function getName({ name, reply }: Client): void {
  if (name === '') reply.null();
  else reply.bulk(name);
}

function setName(client: Client): void {
  const name = client.request.text(2);
  if (!/^[!-~]*$/.test(name))
    throw new CommandError('ERR Client names cannot contain spaces, newlines or special characters.');
  client.name = name;
  client.reply.ok();
}

function setInfo(client: Client): void {
  const attribute = client.request.text(2).toLowerCase();
  const value = client.request.text(3);
  if (attribute !== 'lib-name' && attribute !== 'lib-ver')
    throw new CommandError(`ERR Unrecognized option '${attribute.slice(0, 128)}'`);
  if (!/^[!-~]*$/.test(value))
    throw new CommandError(`ERR ${attribute} cannot contain spaces, newlines or special characters.`);
  if (attribute === 'lib-name') client.libraryName = value;
  else client.libraryVersion = value;
  client.reply.ok();
}

function list({ engine, request, reply }: Client): void {
  let ids: Set<number> | undefined;
  if (request.count > 2) {
    const option = request.upper(2);
    if (option === 'ID' && request.count > 3) {
      ids = new Set();
      for (let i = 3; i < request.count; i++) ids.add(request.integer(i));
    } else if (option !== 'TYPE' || request.count !== 4 || request.upper(3) !== 'NORMAL') throw syntaxError();
  }
  const lines: string[] = [];
  for (const client of engine.clients.values())
    if (ids?.has(client.id) !== false) lines.push(`${describe(client)}\n`);
  reply.verbatim(lines.join(''));
}

function kill({ engine, request, reply }: Client): void {
  const isOld = request.count === 3;
  const by = isOld ? 'ADDR' : request.upper(2);
  if ((by !== 'ID' && by !== 'ADDR') || request.count > 4) throw syntaxError();
  const wanted = request.text(isOld ? 2 : 3);
  const found = [...engine.clients.values()].filter((client) =>
    by === 'ID' ? String(client.id) === wanted : client.address === wanted,
  );
  if (isOld && found.length === 0) throw new CommandError('ERR No such client');
  for (const client of found) client.kill();
  if (isOld) reply.ok();
  else reply.integer(found.length);
}

function describe(client: Client): string {
  const now = Date.now();
  const facts = {
    id: client.id,
    addr: client.address,
    laddr: client.localAddress,
    name: client.name,
    age: Math.floor((now - client.connectedMs) / 1000),
    idle: Math.floor((now - client.lastMs) / 1000),
    flags: 'N',
    db: client.databaseIndex,
    sub: 0,
    psub: 0,
    multi: -1,
    cmd: client.lastCommand,
    user: 'default',
    resp: client.protocol,
    'lib-name': client.libraryName,
    'lib-ver': client.libraryVersion,
  };
  return Object.entries(facts)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
