import { styleText } from 'node:util';
import { type Group, groups } from '../doctor/check.ts';
import type { Diagnosis } from '../doctor/diagnose.ts';
import type { Examined } from '../doctor/examine.ts';
import { printable } from './text.ts';

const headings: Readonly<Record<Group, string>> = {
  hooks: 'Hooks',
  server: 'Server',
  perf: 'perf',
  rights: 'Rights',
  limits: 'Limits',
  machine: 'Machine (noise)',
};
const words = { ok: 'ok', warning: 'warning', failed: 'FAILED', unknown: 'unknown' } as const;
const colours = { ok: 'green', warning: 'yellow', failed: 'red', unknown: 'cyan' } as const;
/** Characters of one line of text from outside. */
const longest = 400;

/** What the command shows: one line a check, and what it means and what helps below it. */
export function reportLines(diagnosis: Diagnosis, colour: boolean): string[] {
  const { checks, host, kernel, user } = diagnosis;
  const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const titleWidth = Math.max(...checks.map(({ title }) => title.length));
  const stateWidth = Math.max(...Object.values(words).map((word) => word.length));
  const indent = ' '.repeat(2 + stateWidth + 2 + titleWidth + 2);

  // Several hooks may lack one thing.
  const told = new Set<string>();
  const linesOf = (check: Examined): string[] => {
    const state = paint(colours[check.state], words[check.state].padEnd(stateWidth));
    const lines = [`  ${state}  ${check.title.padEnd(titleWidth)}  ${printable(check.found, longest)}`];
    if (check.state === 'ok') return lines;
    if (told.has(check.means)) return [`${lines[0]}, as above`];
    told.add(check.means);
    lines.push(`${indent}${printable(check.means, longest)}`);
    // Some reasons name the command themselves.
    if (check.mend !== undefined && !check.means.includes(check.mend))
      lines.push(`${indent}${paint('bold', `-> ${printable(check.mend, longest)}`)}`);
    return lines;
  };
  return [
    `${host}, Linux ${kernel}, as user ${user.name}`,
    ...groups.flatMap((group) => {
      const ofGroup = checks.filter((check) => check.group === group);
      return ofGroup.length === 0 ? [] : ['', paint('bold', headings[group]), ...ofGroup.flatMap(linesOf)];
    }),
    '',
    ...closing(diagnosis),
  ];
}

function closing({ checks, reasons, user }: Diagnosis): string[] {
  const count = (state: Examined['state']): number => checks.filter((check) => check.state === state).length;
  const rest = `warnings: ${count('warning')}, unknown: ${count('unknown')}`;
  const isMended = checks.some((check) => check.state !== 'ok' && check.mend !== undefined);
  return [
    reasons.length === 0
      ? `Nothing keeps hooks from running here (${rest}).`
      : `${reasons.length} failed: what depends on them cannot run here (${rest}).`,
    ...(isMended && user.uid !== 0 ? ['Commands that change the system want root.'] : []),
  ];
}
