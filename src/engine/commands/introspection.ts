import type { Client } from '../client.ts';
import { command, container, type CommandDefinition } from '../command.ts';
import type { Reply } from '../wire/reply.ts';

const commandCommand = container('command', 'About commands.', [
  command('command|count', 2, 'The number of commands.', ({ engine, reply }) =>
    reply.integer(all(engine.commands).length),
  ),
  command('command|list', 2, 'The names of commands.', ({ engine, reply }) =>
    reply.bulks(all(engine.commands).map(({ name }) => name)),
  ),
  command('command|info', -2, 'Facts of commands.', info),
  command('command|docs', -2, 'What commands do.', docs),
]);

/** COMMAND alone is all of COMMAND INFO. */
export const introspectionCommands: CommandDefinition[] = [
  { ...commandCommand, arity: -1, run: info, isRunAlone: true },
];

function all(commands: ReadonlyMap<string, CommandDefinition>): CommandDefinition[] {
  return [...new Set(commands.values())];
}

function asked({ engine, request }: Client): (CommandDefinition | undefined)[] {
  if (request.count <= 2) return all(engine.commands);
  const found: (CommandDefinition | undefined)[] = [];
  for (let i = 2; i < request.count; i++) {
    const name = request.text(i).toLowerCase();
    const family = engine.commands.get(name.split('|')[0]!);
    found.push(name.includes('|') ? family?.subcommands.find((sub) => sub.name === name) : family);
  }
  return found;
}

function info(client: Client): void {
  const found = asked(client);
  client.reply.array(found.length);
  for (const definition of found) {
    if (definition) describe(client.reply, definition);
    else client.reply.null();
  }
}

/** The ten items of Valkey's reply; there are no ACL categories, tips and key specifications here. */
function describe(reply: Reply, { name, arity, flags, keys, subcommands }: CommandDefinition): void {
  const told = flags.map((flag) => (flag === 'noauth' ? 'no_auth' : flag));
  reply.array(10);
  reply.bulk(name);
  reply.integer(arity);
  reply.set(told.length);
  for (const flag of told) reply.simple(flag);
  for (const position of keys) reply.integer(position);
  reply.set(0);
  reply.array(0);
  reply.array(0);
  reply.array(subcommands.length);
  for (const subcommand of subcommands) describe(reply, subcommand);
}

function docs(client: Client): void {
  const { reply } = client;
  const found = asked(client).filter((definition) => definition !== undefined);
  reply.map(found.length);
  for (const definition of found) describeInWords(reply, definition);
}

function describeInWords(reply: Reply, { name, summary, subcommands }: CommandDefinition): void {
  reply.bulk(name);
  reply.map(subcommands.length > 0 ? 3 : 2);
  reply.bulk('summary');
  reply.bulk(summary);
  reply.bulk('group');
  reply.bulk('generic');
  if (subcommands.length === 0) return;
  reply.bulk('subcommands');
  reply.map(subcommands.length);
  for (const subcommand of subcommands) describeInWords(reply, subcommand);
}
