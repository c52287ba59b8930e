import { readlinkSync } from 'node:fs';

/** `pid:[4026531836]`: the PID namespace of a process; undefined when we may not look. */
export function pidNamespace(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}
