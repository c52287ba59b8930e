import { readStats, type ProcessStat } from '../../src/restore/stat.ts';

/** All processes but zombies. */
export function readProcesses(): ProcessStat[] {
  return readStats().filter(({ state }) => state !== 'Z');
}
