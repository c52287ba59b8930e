import type { Host } from './contract.ts';
import { ProcessTarget, type TargetFacts } from './process-target.ts';

/** A process that ended long ago, as a journal tells of it: for collecting what its hooks left. */
export class GoneTarget extends ProcessTarget {
  constructor(host: Host, found: Omit<TargetFacts, 'id'> & { readonly target: string }) {
    super(host, { ...found, id: found.target });
  }

  isAlive(): boolean {
    return false;
  }
}
