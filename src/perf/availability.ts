import type { Target } from '../target/contract.ts';
import { findPerf, refusalOf } from './capabilities.ts';

/** Can perf look into a process? What a hook's probe answers. */
export async function perfAvailability(target: Target): Promise<
  | { readonly state: 'available' }
  | {
      readonly state: 'unavailable';
      readonly reason: string;
      readonly mend: string;
      readonly notInstalled?: true;
    }
> {
  const perf = await findPerf(target);
  if (perf.state !== 'found')
    return { state: 'unavailable', reason: perf.reason, mend: perf.mend, notInstalled: true };
  const refusal = await refusalOf(target);
  return refusal ? { state: 'unavailable', ...refusal } : { state: 'available' };
}
