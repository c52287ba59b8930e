import { Children } from '../../src/restore/children.ts';
import { readStat } from '../../src/restore/stat.ts';
import type { Target } from '../../src/target/contract.ts';
import { LocalHost } from '../../src/target/local-host.ts';
import { LocalTarget } from '../../src/target/local-target.ts';

export const children = new Children();
export const localHost = new LocalHost(children);

/** A process of this machine, without the search for it. */
export function localTarget(pid: number, program: string): Target {
  const startTicks = readStat(pid)?.startTicks ?? 0;
  return new LocalTarget(localHost, {
    id: `localhost-pid${pid}`,
    program,
    pid,
    startTicks,
    commandLine: program,
  });
}
