import type { Client } from './client.ts';
import { CommandError, wrongArity } from './command-error.ts';
import type { CommandDefinition } from './command.ts';

/** Of what is unknown, as much as Valkey repeats, characters. */
const SHOWN = 128;

/** Runs the command in `client.request`, and replies. @throws never */
export function dispatch(client: Client): void {
  const { engine, request, reply } = client;
  const start = reply.length;
  const startedMs = performance.now();
  const name = request.text(0);
  let found: CommandDefinition | undefined;
  try {
    found = engine.commands.get(name) ?? engine.commands.get(name.toLowerCase());
    if (found === undefined) throw unknownCommand(client, name);
    found = narrow(found, client);
    if (!isArityRight(found, request.count)) throw wrongArity(found.name);
    if (!client.isAuthenticated && !found.flags.includes('noauth'))
      throw new CommandError('NOAUTH Authentication required.');
  } catch (error) {
    refuse(client, start, error);
    if (found !== undefined) engine.stats.stat(found.name).rejected++;
    return;
  }
  client.lastCommand = found.name;
  const stat = engine.stats.stat(found.name);
  try {
    found.run!(client);
  } catch (error) {
    refuse(client, start, error);
    stat.failed++;
  }
  stat.calls++;
  stat.us += (performance.now() - startedMs) * 1000;
  engine.stats.commandsProcessed++;
}

/** Replies with the error alone, whatever was written before it was found. */
function refuse(client: Client, start: number, error: unknown): void {
  const message =
    error instanceof CommandError
      ? error.message
      : `ERR internal error: ${error instanceof Error ? error.message : String(error)}`;
  client.reply.rewind(start);
  client.reply.error(message);
  client.engine.stats.countError(message);
}

function narrow(command: CommandDefinition, { request }: Client): CommandDefinition {
  if (command.subcommands.length === 0) return command;
  if (request.count < 2) {
    if (command.isRunAlone) return command;
    throw wrongArity(command.name);
  }
  const given = request.text(1);
  const name = `${command.name}|${given.toLowerCase()}`;
  const found = command.subcommands.find((subcommand) => subcommand.name === name);
  if (found) return found;
  throw new CommandError(
    `ERR unknown subcommand '${given.slice(0, SHOWN)}'. Try ${command.name.toUpperCase()} HELP.`,
  );
}

function isArityRight({ arity }: CommandDefinition, words: number): boolean {
  return arity >= 0 ? words === arity : words >= -arity;
}

function unknownCommand({ request }: Client, name: string): CommandError {
  let words = '';
  for (let i = 1; i < request.count && words.length < SHOWN; i++)
    words += `'${request.text(i).slice(0, SHOWN - words.length)}' `;
  return new CommandError(
    `ERR unknown command '${name.slice(0, SHOWN)}', with args beginning with: ${words}`,
  );
}
