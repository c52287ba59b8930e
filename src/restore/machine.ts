import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** Which machine, and which of its lives: PIDs and start times mean something within one of them only. */
export interface Machine {
  readonly host: string;
  /** Another one after each boot; undefined where the kernel does not tell. */
  readonly bootId?: string;
}

export function thisMachine(): Machine {
  try {
    return { host: hostname(), bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() };
  } catch {
    return { host: hostname() };
  }
}
