import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { thisMachine } from '../../src/restore/machine.ts';
import type { SessionEvent } from '../../src/session/events.ts';

/** No process has it: the kernel gives none above 4,194,304. */
export const noPid = 4_194_305;

/** The folder of a session whose stagewatch was killed, as it would have been left. */
export function leaveSession(
  outputDir: string,
  events: readonly SessionEvent[],
  writer: {
    readonly pid?: number;
    readonly startTicks?: number;
    readonly host?: string;
    readonly bootId?: string;
  } = {},
  name = '2026-11-23T04-41-17Z-bench',
): string {
  const folder = join(outputDir, name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const started: SessionEvent = {
    type: 'session',
    state: 'started',
    folder,
    pid: noPid,
    startTicks: 1,
    about: { hooks: [] },
    ...thisMachine(),
    ...writer,
  };
  const lines = [started, ...events].map((event, i) =>
    JSON.stringify({ t: '2026-11-23T04:41:17.000Z', monoNs: 1e9 + i, ...event }),
  );
  writeFileSync(join(folder, 'events.ndjson'), `${lines.join('\n')}\n`, { mode: 0o600 });
  writeFileSync(join(folder, 'session.json'), JSON.stringify({ version: 1, state: 'running' }), {
    mode: 0o600,
  });
  return folder;
}
