import { functionsOf, type FunctionTable } from '../report/functions.ts';

/** What a function itself cost, before and now. */
export interface FunctionChange {
  readonly name: string;
  /** Share of the samples in it, 0 to 1. */
  readonly baseShare: number;
  readonly newShare: number;
  /** CPU time of a request in it, µs; null where the CPU time of a request is not known of both sides. */
  readonly baseUs: number | null;
  readonly newUs: number | null;
}

/** A change within so many standard errors of what its samples count is luck: there are hundreds of functions. */
const ERRORS = 3;

/**
 * The functions whose CPU time of a request changed most, by what ran in themselves; where the CPU time of requests is not
 * known, those whose share changed most.
 * @param cpuUs of a request, of both sides; null where it is not known.
 */
export function functionChanges(
  baseFolded: string,
  newFolded: string,
  cpuUs: readonly [base: number, fresh: number] | null,
  count: number,
): FunctionChange[] {
  const [base, fresh] = [functionsOf(baseFolded), functionsOf(newFolded)];
  if (base.total === 0 || fresh.total === 0) return [];
  const changes: FunctionChange[] = [];
  for (const name of new Set([...base.functions.keys(), ...fresh.functions.keys()])) {
    const samples = [selfOf(base, name), selfOf(fresh, name)] as const;
    const [baseShare, newShare] = [samples[0] / base.total, samples[1] / fresh.total];
    // Samples are counts: the variance of one is its mean. What one of them stands for differs between the sides.
    const each = [(cpuUs?.[0] ?? 1) / base.total, (cpuUs?.[1] ?? 1) / fresh.total] as const;
    const error = Math.sqrt(samples[0] * each[0] ** 2 + samples[1] * each[1] ** 2);
    if (Math.abs(samples[1] * each[1] - samples[0] * each[0]) < ERRORS * error) continue;
    const [baseUs, newUs] = [cpuUs && baseShare * cpuUs[0], cpuUs && newShare * cpuUs[1]];
    changes.push({ name, baseShare, newShare, baseUs, newUs });
  }
  return changes
    .filter((change) => sizeOf(change) > 0)
    .toSorted((a, b) => sizeOf(b) - sizeOf(a) || (a.name < b.name ? -1 : 1))
    .slice(0, count);
}

function selfOf({ functions }: FunctionTable, name: string): number {
  return functions.get(name)?.self ?? 0;
}

function sizeOf({ baseShare, newShare, baseUs, newUs }: FunctionChange): number {
  return baseUs === null || newUs === null ? Math.abs(newShare - baseShare) : Math.abs(newUs - baseUs);
}
