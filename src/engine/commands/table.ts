import type { CommandDefinition } from '../command.ts';
import { clientCommands } from './clients.ts';
import { connectionCommands } from './connection.ts';
import { hashCommands } from './hashes.ts';
import { introspectionCommands } from './introspection.ts';
import { keyCommands } from './keys.ts';
import { listCommands } from './lists.ts';
import { searchCommands } from './search.ts';
import { serverCommands } from './server.ts';
import { setCommands } from './sets.ts';
import { sortedSetCommands } from './sorted-sets.ts';
import { streamCommands } from './streams.ts';
import { stringCommands } from './strings.ts';

const all = [
  ...connectionCommands,
  ...clientCommands,
  ...serverCommands,
  ...introspectionCommands,
  ...keyCommands,
  ...stringCommands,
  ...hashCommands,
  ...listCommands,
  ...setCommands,
  ...sortedSetCommands,
  ...streamCommands,
  ...searchCommands,
];

/** Every command under its name in lower case, and in upper case, which is what most clients send. */
export const commandTable: ReadonlyMap<string, CommandDefinition> = new Map(
  all.flatMap((command) => [
    [command.name, command],
    [command.name.toUpperCase(), command],
  ]),
);
