import type { SessionEvent } from '../session/events.ts';
import { printable } from './text.ts';

/**
 * What people are told of a change: `config:io-threads: 4 (it was 1)`. Undefined for what they are told otherwise:
 * threads are many, and a notice tells of their placement; what cannot be put back is a warning.
 */
export function settingLine({
  setting,
  state,
  from,
  to,
}: SessionEvent & { readonly type: 'setting' }): string | undefined {
  if (setting.startsWith('affinity:')) return undefined;
  const isKeys = setting.startsWith('keys:');
  if (state === 'changed' && !isKeys) return printable(`${setting}: ${to} (it was ${from})`, 300);
  if (state === 'restored')
    return printable(isKeys ? `${setting} removed` : `${setting}: put back to ${from}`, 300);
  return undefined;
}
