import type { BenchmarkConfig } from '../bench/config.ts';
import type { ParameterName } from '../search/contract.ts';
import type { ServerAddress } from '../valkey/client.ts';
import { parseCpus } from './cpu-list.ts';
import { launcherOf, Placement } from './placement.ts';
import type { Journal, Preparation } from './preparation.ts';
import { parseRestartCommand } from './restart-command.ts';
import { checkSettingName } from './setting-value.ts';
import { ServerSettings } from './settings.ts';

/** What a user asks to be changed for an experiment, as the flags have it. */
export interface ServerChangesAsked {
  readonly address: ServerAddress;
  /** What is alike in all trials: its settings are made for the whole experiment. */
  readonly base: Pick<BenchmarkConfig, 'serverConfig'>;
  /** Those of `config:NAME` are turned by trials. */
  readonly tuned: readonly ParameterName[];
  readonly restartCommand?: string | undefined;
  readonly serverCpus?: string | undefined;
  readonly clientCpus?: string | undefined;
  readonly yes: boolean;
}

export interface ServerChanges {
  /** To be opened before the first trial, in this order. */
  readonly preparations: readonly ((journal: Journal) => Promise<Preparation>)[];
  /** Words before the benchmark's program. */
  readonly launchWith: readonly string[];
}

/** @throws {UsageError} bad-setting, bad-command, bad-cpus, no-such-cpu. Asks and changes nothing yet. */
export function planServerChanges(asked: ServerChangesAsked): ServerChanges {
  const { address, base, yes } = asked;
  const tuned = asked.tuned.flatMap((name) =>
    name.startsWith('config:') ? [name.slice('config:'.length)] : [],
  );
  for (const name of [...Object.keys(base.serverConfig), ...tuned]) checkSettingName(name);
  const restart = asked.restartCommand === undefined ? undefined : parseRestartCommand(asked.restartCommand);
  const serverCpus =
    asked.serverCpus === undefined ? undefined : parseCpus(asked.serverCpus, '--server-cpus');
  const clientCpus =
    asked.clientCpus === undefined ? undefined : parseCpus(asked.clientCpus, '--client-cpus');
  const settings = { address, fixed: base.serverConfig, tuned, yes, ...(restart && { restart }) };
  const placement = { address, ...(serverCpus && { serverCpus }), ...(clientCpus && { clientCpus }) };
  return {
    // A restart starts new threads: they are placed after it.
    preparations: [
      (journal) => ServerSettings.open(settings, journal),
      ...(serverCpus || clientCpus ? [(journal: Journal) => Placement.open(placement, journal)] : []),
    ],
    launchWith: clientCpus === undefined ? [] : launcherOf(clientCpus),
  };
}
