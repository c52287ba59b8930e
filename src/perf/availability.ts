import { messageOf } from '../error.ts';
import type { Target } from '../target/contract.ts';
import { installCommand, perfVersion, refusalOf } from './capabilities.ts';

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
  try {
    await perfVersion(target);
  } catch (error) {
    const mend = await installCommand(target);
    return { state: 'unavailable', reason: messageOf(error), mend, notInstalled: true };
  }
  const refusal = await refusalOf(target);
  return refusal ? { state: 'unavailable', ...refusal } : { state: 'available' };
}
