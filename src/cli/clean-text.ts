import { basename } from 'node:path';
import type { CleanedSession } from '../leftovers/clean.ts';
import { nearPath } from './summary.ts';
import { printable } from './text.ts';

type Setting = CleanedSession['settings'][number];

/** There was something to do, or something could not be done. */
export function isWorthTelling({ processes, settings, collected }: CleanedSession): boolean {
  return processes.length > 0 || settings.length > 0 || collected !== undefined;
}

/** Something is not as it was before, and somebody has to look. */
export function hasTrouble({ processes, settings, collected }: CleanedSession): boolean {
  return (
    processes.some(({ state }) => state === 'still-running') ||
    settings.some(({ outcome }) => outcome.state === 'failed' || outcome.state === 'left') ||
    collected?.state === 'failed' ||
    (collected?.state === 'collected' && collected.failures.length > 0)
  );
}

/** For people: a line for the session, and one for each thing in it. */
export function cleanedLines(session: CleanedSession, dryRun: boolean): string[] {
  const { folder, processes, settings, collected } = session;
  const lines = [printable(nearPath(folder), 400)];
  for (const { pid, argv, state } of processes) {
    const what = `${printable(argv.map((word) => basename(word)).join(' '), 80)} (PID ${pid})`;
    lines.push(
      state === 'ended' ? `  ${dryRun ? 'would end' : 'ended'} ${what}` : `  ${what} could not be ended`,
    );
  }
  lines.push(...settings.map((setting) => `  ${settingText(setting, dryRun)}`));
  if (collected?.state === 'would-collect')
    lines.push('  would collect what was captured, and end its journal');
  else if (collected?.state === 'failed')
    lines.push(`  could not be collected: ${printable(collected.reason, 400)}`);
  else if (collected) {
    lines.push(
      `  collected ${collected.spans} spans (${collected.artifacts} files); its journal is complete`,
    );
    lines.push(...collected.failures.map((failure) => `  incomplete: ${printable(failure, 400)}`));
  }
  return lines;
}

/** One line, for the session that starts. */
export function summaryLine(sessions: readonly CleanedSession[]): string {
  const counts = [
    count(
      sessions.flatMap(({ processes }) => processes.filter(({ state }) => state === 'ended')),
      'process',
      'ended',
    ),
    count(settingsOf(sessions, 'restored'), 'setting', 'put back'),
    count(
      sessions.filter(({ collected }) => collected?.state === 'collected'),
      'session',
      'completed',
    ),
  ].filter((text) => text !== undefined);
  const trouble = sessions.some(hasTrouble)
    ? '; some could not be put right: stagewatch clean says which'
    : '';
  const done = counts.length > 0 ? counts.join(', ') : 'nothing could be done';
  return `left by a killed session: ${done}${trouble}`;
}

function settingText({ setting, server, from, outcome }: Setting, dryRun: boolean): string {
  const what = printable(server === undefined ? setting : `${setting} of ${server}`, 200);
  switch (outcome.state) {
    case 'restored':
      return setting.startsWith('keys:')
        ? `${dryRun ? 'would remove' : 'removed'} ${outcome.now} of ${what}`
        : `${dryRun ? 'would put' : 'put'} ${what} back to ${printable(from, 80)} (it was ${printable(outcome.now, 80)})`;
    case 'nothing-to-do':
      return `${what}: nothing to do, ${printable(outcome.reason, 200)}`;
    case 'left':
      return `${what} was left alone: ${printable(outcome.reason, 400)}`;
    case 'failed':
      return `${what} could not be put back to ${printable(from, 80)}: ${printable(outcome.reason, 400)}`;
  }
}

function settingsOf(sessions: readonly CleanedSession[], state: Setting['outcome']['state']): Setting[] {
  return sessions.flatMap(({ settings }) => settings.filter(({ outcome }) => outcome.state === state));
}

function count(things: readonly unknown[], name: string, what: string): string | undefined {
  if (things.length === 0) return undefined;
  const plural = name.endsWith('s') ? `${name}es` : `${name}s`;
  return `${things.length} ${things.length === 1 ? name : plural} ${what}`;
}
