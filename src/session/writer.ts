import { isStillRunning } from '../restore/end-process.ts';
import { thisMachine } from '../restore/machine.ts';
import type { JournalLine } from './events.ts';

/** The first line of a journal. */
export type SessionStarted = JournalLine & { readonly type: 'session'; readonly state: 'started' };

/** `elsewhere`: another machine wrote it, into a folder that both share; only that one knows whether it still does. */
export type WriterState = 'running' | 'gone' | 'elsewhere';

export function isSessionStarted(event: JournalLine): event is SessionStarted {
  return event.type === 'session' && event.state === 'started';
}

/** Whether the stagewatch that wrote a session is still there. A PID of before the last boot is nobody's. */
export function writerOf({ pid, startTicks, host, bootId }: SessionStarted): WriterState {
  const here = thisMachine();
  if (host !== undefined && host !== here.host) return 'elsewhere';
  if (bootId !== undefined && bootId !== here.bootId) return 'gone';
  return startTicks !== 0 && isStillRunning({ pid, startTicks }) ? 'running' : 'gone';
}
