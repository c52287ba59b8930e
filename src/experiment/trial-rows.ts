import { stringify } from 'csv-stringify/sync';
import type { Trial } from '../search/contract.ts';
import { resultColumns } from './result-columns.ts';

/** Those of the library's CSV files in their order, and behind them what tells trials apart. */
type Column = readonly [
  name: string,
  of: (trial: Trial, stage: string) => string | number | null | undefined,
];

const measured = ({ outcome }: Trial) => (outcome.state === 'measured' ? outcome.result : undefined);

const COLUMNS: readonly Column[] = [
  ...resultColumns.map(([name, of]): Column => [name, (trial) => of(trial.config, measured(trial))]),
  ['trial', ({ number }) => number],
  ['purpose', ({ purpose }) => purpose],
  ['stage', (_, stage) => stage],
  ['state', ({ outcome }) => outcome.state],
  ['error', ({ outcome }) => (outcome.state === 'failed' ? outcome.error.code : undefined)],
  ['errors', (trial) => measured(trial)?.errors.reduce((sum, { count }) => sum + count, 0)],
  ['driver', (trial) => measured(trial)?.driver],
  ['server_config', ({ config }) => settingsText(config.serverConfig)],
];

/** The head line, with its line end. */
export const trialHead: string = stringify([COLUMNS.map(([name]) => name)]);

/** One trial as a line of CSV, with its line end; latencies in ms, recall 0 to 1, what was not measured is empty. */
export function trialRow(trial: Trial, stage: string): string {
  // A stage or a setting may begin with =, and would become a formula in a spreadsheet.
  return stringify([COLUMNS.map(([, of]) => of(trial, stage))], { escape_formulas: true });
}

function settingsText(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
