import { xml } from '../report/junit.ts';
import type { Comparison } from './comparison.ts';

/** JUnit XML for CI: a test case for each stage. `slower` fails; `undecided` counts as skipped, since nothing was shown. */
export function comparisonJunit({ stages, warnings, base, new: fresh }: Comparison): string {
  const count = (verdict: string): number => stages.filter((stage) => stage.verdict === verdict).length;
  const name = xml(`compare ${fresh} with ${base}`);
  const head = `name="${name}" tests="${stages.length}" failures="${count('slower')}" skipped="${count('undecided')}" errors="0"`;
  const cases = stages.map(({ stage, verdict, why }) => {
    const said =
      verdict === 'slower'
        ? `<failure message="${xml(`slower: ${why}`)}"/>`
        : verdict === 'undecided'
          ? `<skipped message="${xml(`undecided: ${why}`)}"/>`
          : `<system-out>${xml(`${verdict}: ${why}`)}</system-out>`;
    return `<testcase classname="stagewatch.compare" name="${xml(stage)}" time="0">${said}</testcase>\n`;
  });
  const rest = warnings.map(({ code, message }) => `${code}: ${message}`).join('\n');
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    `<testsuites ${head.replace(/ skipped="\d+"/, '')}>\n<testsuite ${head}>\n`,
    ...cases,
    ...(rest === '' ? [] : [`<system-out>${xml(rest)}</system-out>\n`]),
    '</testsuite>\n</testsuites>\n',
  ].join('');
}
