import type { Client } from '../client.ts';
import { CommandError, syntaxError, wrongArity } from '../command-error.ts';
import { command } from '../command.ts';
import { version } from '../version.ts';
import { isPassword } from '../password.ts';

const WRONG_PASSWORD = 'WRONGPASS invalid username-password pair or user is disabled.';

export const connectionCommands = [
  command('ping', -1, 'Replies PONG, or its argument.', ping, { flags: ['fast'] }),
  command('echo', 2, 'Replies its argument.', ({ request, reply }) => reply.bulk(request.text(1)), {
    flags: ['fast'],
  }),
  command('hello', -1, 'Chooses the protocol, and tells about the server.', hello, {
    flags: ['fast', 'noauth'],
  }),
  command('auth', -2, 'Gives the password.', auth, { flags: ['fast', 'noauth'] }),
  command('select', 2, 'Chooses the database.', select, { flags: ['fast'] }),
  command('quit', -1, 'Closes the connection.', quit, { flags: ['fast', 'noauth'] }),
  command('reset', 1, 'Puts the connection back to how it began.', reset, { flags: ['fast', 'noauth'] }),
];

function ping({ request, reply }: Client): void {
  if (request.count > 2) throw wrongArity('ping');
  if (request.count === 2) reply.bulk(request.text(1));
  else reply.simple('PONG');
}

function hello(client: Client): void {
  const { request, reply } = client;
  let protocol = client.protocol;
  if (request.count > 1) {
    const text = request.text(1);
    if (!/^-?\d+$/.test(text))
      throw new CommandError('ERR Protocol version is not an integer or out of range');
    if (text !== '2' && text !== '3') throw new CommandError('NOPROTO unsupported protocol version');
    protocol = text === '2' ? 2 : 3;
  }
  let name: string | undefined;
  let isAllowed = client.isAuthenticated;
  for (let i = 2; i < request.count; i++) {
    const option = request.upper(i);
    if (option === 'AUTH' && i + 2 < request.count) {
      if (!login(client, request.text(++i), request.text(++i))) throw new CommandError(WRONG_PASSWORD);
      isAllowed = true;
    } else if (option === 'SETNAME' && i + 1 < request.count) name = request.text(++i);
    else throw new CommandError(`ERR Syntax error in HELLO option '${request.text(i).slice(0, 128)}'`);
  }
  if (!isAllowed)
    throw new CommandError(
      'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time',
    );
  client.isAuthenticated = true;
  if (name !== undefined) client.name = name;
  client.setProtocol(protocol);
  reply.map(7);
  reply.bulk('server');
  reply.bulk('stagewatch-engine');
  reply.bulk('version');
  reply.bulk(version);
  reply.bulk('proto');
  reply.integer(protocol);
  reply.bulk('id');
  reply.integer(client.id);
  reply.bulk('mode');
  reply.bulk('standalone');
  reply.bulk('role');
  reply.bulk('master');
  reply.bulk('modules');
  reply.array(0);
}

function auth(client: Client): void {
  const { request, engine } = client;
  if (request.count > 3) throw syntaxError();
  if (request.count === 2 && engine.password === undefined)
    throw new CommandError(
      'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
    );
  const user = request.count === 3 ? request.text(1) : 'default';
  if (!login(client, user, request.text(request.count - 1))) throw new CommandError(WRONG_PASSWORD);
  client.isAuthenticated = true;
  client.reply.ok();
}

function login({ engine }: Client, user: string, password: string): boolean {
  return user === 'default' && (engine.password === undefined || isPassword(password, engine.password));
}

function select(client: Client): void {
  const index = client.request.integer(1);
  if (index < 0 || index >= client.engine.databases.length)
    throw new CommandError('ERR DB index is out of range');
  client.databaseIndex = index;
  client.reply.ok();
}

function quit(client: Client): void {
  client.isClosing = true;
  client.reply.ok();
}

function reset(client: Client): void {
  client.reset();
  client.reply.simple('RESET');
}
