import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MissingError, messageOf } from '../../src/error.ts';
import { type ArchiveSource, findArchive } from './sources.ts';

const run = promisify(execFile);

/** An apt state of our own: nothing of the system's is written, no root is needed. */
export interface PrivateApt {
  /** The packages that these depend on directly, library packages only. */
  librariesOf(packages: readonly string[]): Promise<string[]>;
  /** Unpacks packages below `root`; one call to the archive for all of them. */
  unpack(packages: readonly string[], root: string): Promise<void>;
}

/**
 * @param folder empty; holds the state.
 * @param suites `bookworm-backports`, ...; those that the archive lacks are an error.
 */
export async function openApt(folder: string, suites: readonly string[]): Promise<PrivateApt> {
  const archive = systemArchive();
  const { stdout } = await run('dpkg', ['--print-architecture']);
  for (const name of ['state/lists/partial', 'cache/archives/partial', 'deb'])
    mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'status'), '');
  const options = [
    `arch=${stdout.trim()}`,
    ...(archive.signedBy === undefined ? [] : [`signed-by=${archive.signedBy}`]),
  ].join(' ');
  writeFileSync(
    join(folder, 'sources.list'),
    suites.map((suite) => `deb [${options}] ${archive.uri} ${suite} main\n`).join(''),
  );
  const flags = [
    `Dir::State=${folder}/state`,
    `Dir::State::status=${folder}/status`,
    `Dir::Cache=${folder}/cache`,
    `Dir::Etc::SourceList=${folder}/sources.list`,
    'Dir::Etc::SourceParts=/dev/null',
    'Dir::Etc::Preferences=/dev/null',
    'Dir::Etc::PreferencesParts=/dev/null',
    'APT::Sandbox::User=',
    'Acquire::Languages=none',
    'Acquire::Retries=3',
  ].flatMap((flag) => ['-o', flag]);
  const apt = async (program: string, args: readonly string[]): Promise<string> => {
    try {
      const call = { cwd: join(folder, 'deb'), maxBuffer: 64 << 20, env: { ...process.env, LC_ALL: 'C' } };
      return (await run(program, [...flags, ...args], call)).stdout;
    } catch (error) {
      throw new MissingError('servers-not-fetched', `${program} ${args[0]} failed: ${messageOf(error)}`, {
        cause: error,
      });
    }
  };

  await apt('apt-get', ['--error-on=any', 'update']);
  return {
    async librariesOf(packages) {
      const text = await apt('apt-cache', ['depends', '--important', ...packages]);
      const names = [...text.matchAll(/^\s+\|?Depends: (\S+)$/gm)].map((match) => match[1]!);
      return [...new Set(names.filter((name) => /^(lib|zlib)/.test(name) && name !== 'libc6'))];
    },
    async unpack(packages, root) {
      await apt('apt-get', ['download', ...packages]);
      mkdirSync(root, { recursive: true });
      for (const name of readdirSync(join(folder, 'deb')))
        await run('dpkg', ['-x', join(folder, 'deb', name), root]);
    },
  };
}

/** `bookworm`; undefined on systems that are not Debian. */
export function debianCodename(): string | undefined {
  try {
    const text = readFileSync('/etc/os-release', 'utf8');
    if (!/^ID="?debian"?$/m.test(text)) return undefined;
    return /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(text)?.[1] ?? 'sid';
  } catch {
    return undefined;
  }
}

function systemArchive(): ArchiveSource {
  const archive = findArchive('/etc/apt', debianCodename() ?? '');
  if (archive) return archive;
  throw new MissingError(
    'no-archive',
    'Expected /etc/apt/sources.list or sources.list.d to name the Debian archive (suite of this release, component main), found none. Add it, or install valkey and redis yourself.',
  );
}
