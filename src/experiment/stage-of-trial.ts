import type { BenchmarkConfig } from '../bench/config.ts';
import type { ParameterName } from '../search/contract.ts';
import type { Stage } from '../stage/stage.ts';

/** As scripts that followed the older framework know them: `ef_100_clients_20`. */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  efSearch: 'ef',
  numClients: 'clients',
  numThreads: 'threads',
  numRequests: 'requests',
};

/**
 * The stage of a trial: its operation, and as its tag the parameters that tell it from the others, ef first.
 * `vec-query:ef_100_clients_20`, `get:clients_20`, `get:config_io-threads_4`; a mix is `get+set`.
 */
export function stageOfTrial(config: BenchmarkConfig, tuned: readonly ParameterName[]): Stage {
  const name = operationName(config);
  const efFirst = [...tuned].sort((a, b) => Number(b === 'efSearch') - Number(a === 'efSearch'));
  const tag = efFirst
    .map((parameter) => `${shortName(parameter)}_${valueOf(config, parameter)}`)
    .join('_')
    // A tag ends at a blank.
    .replaceAll(/[\s"]/g, '-');
  return tag === '' ? { name } : { name, tag };
}

/** The operation as a stage's name, in one spelling for all followers: shares of a mix are left out. */
export function operationName({ operation }: Pick<BenchmarkConfig, 'operation'>): string {
  return operation
    .toLowerCase()
    .split(',')
    .map((part) => part.split(':', 1)[0]!.trim())
    .join('+');
}

/** What tells a single run from others like it. */
export function namesOfRun(config: BenchmarkConfig): ParameterName[] {
  return config.efSearch === undefined ? ['numClients'] : ['efSearch'];
}

function shortName(parameter: ParameterName): string {
  const setting = settingOf(parameter);
  if (setting !== undefined) return `config_${setting}`;
  return SHORT_NAMES[parameter] ?? parameter.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function valueOf(config: BenchmarkConfig, parameter: ParameterName): string {
  const setting = settingOf(parameter);
  const value =
    setting === undefined ? config[parameter as keyof BenchmarkConfig] : config.serverConfig[setting];
  return value === undefined ? 'default' : String(value);
}

/** The server's own name of a setting that is tuned. */
function settingOf(parameter: ParameterName): string | undefined {
  return parameter.startsWith('config:') ? parameter.slice('config:'.length) : undefined;
}
