import type { Client } from './client.ts';

export type CommandFlag = 'write' | 'readonly' | 'fast' | 'admin' | 'noauth';

/** Where the keys stand: first word, last word (negative: from the end), step. */
export type KeyPositions = readonly [first: number, last: number, step: number];

export interface CommandDefinition {
  /** Lower case; `client|setname` for a subcommand. */
  readonly name: string;
  /** Words, the name included; -n: at least n. Subcommands count both names. */
  readonly arity: number;
  readonly flags: readonly CommandFlag[];
  readonly keys: KeyPositions;
  readonly summary: string;
  /** Replies exactly once, or throws CommandError. Undefined for a container. */
  readonly run: ((client: Client) => void) | undefined;
  readonly subcommands: readonly CommandDefinition[];
  /** A container that also runs without a subcommand. */
  readonly isRunAlone?: boolean;
}

export type CommandRun = (client: Client) => void;

const NO_KEYS: KeyPositions = [0, 0, 0];

/** @param arity see CommandDefinition. */
export function command(
  name: string,
  arity: number,
  summary: string,
  run: CommandRun,
  { flags = [], keys = NO_KEYS }: { flags?: readonly CommandFlag[]; keys?: KeyPositions } = {},
): CommandDefinition {
  return { name, arity, summary, run, flags, keys, subcommands: [] };
}

/** A command on one key, its first argument. */
export function keyCommand(
  name: string,
  arity: number,
  kind: 'write' | 'readonly',
  summary: string,
  run: CommandRun,
): CommandDefinition {
  return command(name, arity, summary, run, { flags: [kind, 'fast'], keys: [1, 1, 1] });
}

/** A command that is a family: `CLIENT SETNAME`. */
export function container(
  name: string,
  summary: string,
  subcommands: readonly CommandDefinition[],
  flags: readonly CommandFlag[] = [],
): CommandDefinition {
  return { name, arity: -2, summary, run: undefined, flags, keys: NO_KEYS, subcommands };
}
