import type { ChildEvents } from '../restore/children.ts';
import { redactArgv } from '../target/redact.ts';
import type { SessionEvent } from './events.ts';

/** What a session's journal is told of the programs that it starts: enough to find and end them after a crash. */
export function processEvents(tell: (event: SessionEvent) => void): ChildEvents {
  return {
    started: ({ pid, startTicks, argv }) =>
      tell({ type: 'process', state: 'started', pid, startTicks, argv: redactArgv(argv) }),
    ended: ({ pid, end }) =>
      tell({
        type: 'process',
        state: 'ended',
        pid,
        ...(end.state === 'exited' ? { exitCode: end.exitCode } : {}),
        ...(end.state === 'killed' ? { signal: end.signal } : {}),
      }),
  };
}
