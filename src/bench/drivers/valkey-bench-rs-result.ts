import type { BenchmarkConfig } from '../config.ts';
import { BenchmarkError, ParseError } from '../error.ts';
import { readBenchJson, withDigits } from './bench-json.ts';
import { readBenchText, type TextReading } from './bench-text.ts';
import { readCToolText } from './c-tool-text.ts';
import { readOptimizerText } from './optimizer-text.ts';
import { printedLast, type ProgramRun } from './program-run.ts';
import type { Reading } from './reading.ts';
import { isMix, normalised } from './settings.ts';

/**
 * The one result of a run, from its text and from what it wrote with `-o`.
 * @throws {ParseError} no-result, broken-result. @throws {BenchmarkError} infeasible.
 */
export function readBenchRs(
  { stdout, lastLines }: Pick<ProgramRun, 'stdout' | 'lastLines'>,
  json: string | undefined,
  config: BenchmarkConfig,
  program: string,
): Reading {
  const optimizer = readOptimizerText(stdout, config.operation, config.operation === 'vec-query');
  if (optimizer.state === 'found') return withParameters(optimizer.reading, optimizer.parameters);
  if (optimizer.state === 'infeasible')
    throw new BenchmarkError(
      'infeasible',
      `${program} found no configuration that holds its constraints (and ends with 0 all the same).`,
      { lastLines },
    );
  const text = firstRead(optimizer.state === 'broken' ? [] : [readBenchText(stdout), readCToolText(stdout)]);
  if (optimizer.state === 'broken' || text.state === 'broken')
    throw new ParseError(
      'broken-result',
      `The output of ${program} ends in the middle of a result. ${printedLast(lastLines)}`,
      { lastLines },
    );
  const digits = (json === undefined ? undefined : readBenchJson(json)) ?? [];
  const found = pick(text.state === 'read' ? text.readings : digits, config);
  if (found === undefined)
    throw new ParseError(
      'no-result',
      `${program} ended with 0, but printed no result of ${config.operation} that can be read. ${printedLast(lastLines)}`,
      { lastLines },
    );
  const exact = digits.find(({ name }) => name === found.name);
  return exact === undefined ? found : withDigits(found, exact);
}

function firstRead(readings: readonly TextReading[]): TextReading {
  return (
    readings.find(({ state }) => state === 'read') ??
    readings.find(({ state }) => state === 'broken') ?? { state: 'none' }
  );
}

/** `VECQUERY` and `VEC-QUERY` are vec-query; a mix has a title of its own, and the older tool's text may have none. */
function pick(readings: readonly Reading[], { operation }: BenchmarkConfig): Reading | undefined {
  const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  const wanted = plain(normalised(operation));
  const named = readings.findLast(({ name }) => plain(name) === wanted);
  if (named !== undefined) return named;
  const [only] = readings;
  if (readings.length !== 1 || only === undefined) return undefined;
  return (isMix(operation) && only.name.includes('%')) || only.name === 'unnamed' ? only : undefined;
}

/** Its names for what it tunes. */
const tunable = new Map([
  ['clients', 'numClients'],
  ['threads', 'numThreads'],
  ['pipeline', 'pipeline'],
  ['ef_search', 'efSearch'],
] as const);

function withParameters(reading: Reading, parameters: ReadonlyMap<string, number>): Reading {
  const found = [...parameters].map(([name, value]) => `${name}=${value}`).join(', ');
  return {
    ...reading,
    settings: Object.fromEntries(
      [...tunable].flatMap(([name, setting]) => {
        const value = parameters.get(name);
        return value === undefined ? [] : [[setting, value]];
      }),
    ),
    warnings: [
      ...reading.warnings,
      { code: 'optimized', message: `These figures are of ${found}, which its --optimize found best.` },
    ],
  };
}
