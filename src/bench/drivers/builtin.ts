import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../../error.ts';
import { OPERATIONS } from '../../load/operations.ts';
import type { BenchmarkConfig } from '../config.ts';
import { BinaryNotFoundError } from '../error.ts';
import { builtinArguments } from './builtin-arguments.ts';
import { readBuiltin } from './builtin-result.ts';
import type { BenchmarkProgram } from './program-driver.ts';
import { isMix, isVectorOperation, normalised, refuseSecretArguments } from './settings.ts';
import { temporaryFolder } from './temporary-folder.ts';

/**
 * `stagewatch load`. As a child and not in this process: the monitor's event loop must not share a core's time with the
 * generator's, the child can be kept to cores of its own, and it is ended like any other benchmark.
 * @throws {BinaryNotFoundError} when the command is not where the package has it.
 */
export function builtinProgram(cli = commandPath()): BenchmarkProgram {
  return {
    name: 'builtin',
    version: `stagewatch ${packageVersion()}`,
    countsErrors: true,
    supports(operation) {
      const entries = normalised(operation).split(',');
      if (!isMix(operation)) return entries.length === 1 && OPERATIONS.includes(entries[0]!);
      return entries.every((entry) => {
        const [name = '', share = ''] = entry.split(':');
        return OPERATIONS.includes(name) && !isVectorOperation(name) && Number(share) > 0;
      });
    },
    check(config) {
      refuseSecretArguments(config);
      if (config.user !== undefined && config.auth === undefined)
        throw new UsageError(
          'user-without-password',
          'Expected a password with the user: in VALKEYCLI_AUTH.',
        );
      if (isVectorOperation(config.operation) && config.dataset === undefined)
        throw new UsageError('no-dataset', `Expected a dataset with ${config.operation}: --dataset NAME.`);
    },
    commandLine: (config) => ['stagewatch', 'load', ...builtinArguments(config, config.cluster ?? false)],
    async measure(config, { facts, exec }) {
      await using folder = await temporaryFolder();
      const file = join(folder.path, 'result.json');
      const run = await exec(
        [
          ...[process.execPath, cli, 'load', '--hold', '--json', file],
          ...builtinArguments(config, config.cluster ?? facts.isCluster ?? false),
        ],
        { env: environmentOf(config), held: true },
      );
      return readBuiltin(run, await readFile(file, 'utf8').catch(() => undefined));
    },
  };
}

function environmentOf({ auth }: BenchmarkConfig): Record<string, string> {
  return auth === undefined ? {} : { VALKEYCLI_AUTH: auth.reveal() };
}

/** Our own command: beside this file when this runs from dist/, in dist/ when it runs from the sources. */
function commandPath(): string {
  const candidates = ['../../cli/main.js', '../../../dist/src/cli/main.js'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  const found = candidates.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new BinaryNotFoundError(
    'binary-not-found',
    `Expected stagewatch's own command at ${candidates.join(' or ')}, found neither: build it with npm run build.`,
  );
}

/** The package's root is three folders above the sources, four above dist/. */
function packageVersion(): string {
  const root = import.meta.url.endsWith('.ts') ? '../../..' : '../../../..';
  const manifest = readFileSync(new URL(`${root}/package.json`, import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { readonly version: string }).version;
}
