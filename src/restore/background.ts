import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';
import type { SpawnOptions } from '../target/contract.ts';

/** Niceness of what only collects. */
const backgroundNiceness = '19';

export interface HeldCommand {
  readonly argv: readonly string[];
  /** The descriptor that lets it go: one line written there starts the program. Absent when it is not held. */
  readonly goDescriptor?: number;
}

/**
 * The argument list that runs a program niced from its first instruction on, so that none of its threads escapes;
 * `held`: it waits for a line before it does anything at all. Signals would come too late for that: a short
 * program has ended before we can stop it.
 */
export function backgroundCommand(argv: readonly string[], stdioLength: number, held: boolean): HeldCommand {
  const niced = ['nice', '-n', backgroundNiceness, ...argv];
  if (!held) return { argv: niced };
  // The number is ours, the rest are arguments: nothing of a user's gets into the script.
  const script = `read -r go <&${stdioLength} && exec ${stdioLength}<&- && exec "$@"`;
  return { argv: ['/bin/sh', '-c', script, 'sh', ...niced], goDescriptor: stdioLength };
}

/** Why a program cannot be started, which `nice` would only tell on its standard error; undefined when it can. */
export function whyNotStartable(program: string, options: SpawnOptions, path: string): Error | undefined {
  const candidates = program.includes('/')
    ? [resolve(options.cwd ?? '.', program)]
    : path.split(':').map((folder) => resolve(options.cwd ?? '.', folder, program));
  let code = 'ENOENT';
  for (const candidate of candidates) {
    try {
      accessSync(candidate, constants.X_OK);
      return undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EACCES') code = 'EACCES';
    }
  }
  return Object.assign(new Error(`spawn ${program} ${code}`), { code });
}
