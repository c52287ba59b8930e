import { isRunning, readStat } from '../restore/stat.ts';
import { ProcessTarget } from './process-target.ts';

/** A process of this machine. */
export class LocalTarget extends ProcessTarget {
  isAlive(): boolean {
    const stat = readStat(this.pid);
    return isRunning(stat) && stat.startTicks === this.startTicks;
  }
}
