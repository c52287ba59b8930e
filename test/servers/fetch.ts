import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { MissingError } from '../../src/error.ts';
import { debianCodename, openApt } from './apt.ts';
import { serversFolder } from './folder.ts';
import { withLock } from './lock.ts';

export type ServerFamily = 'valkey' | 'redis';

/** The release whose redis-server is 8; its libraries are newer than those of the system. */
const redisSuite = 'trixie';
const redisPackages =
  'redis-server redis-tools libc6 libatomic1 libcap2 libssl3t64 libgcc-s1 libjemalloc2 liblzf1 libstdc++6 libsystemd0 zlib1g libzstd1';

const howToInstall = `Install the servers yourself, so that they are on PATH:
  Ubuntu 25.04+:   sudo apt install valkey-server valkey-tools redis-server redis-tools
  Fedora, RHEL 10: sudo dnf install valkey   (redis: https://redis.io/docs/latest/operate/oss_and_stack/install)
  Arch:            sudo pacman -S valkey
  Alpine:          sudo apk add valkey valkey-benchmark valkey-cli redis
  macOS:           brew install valkey redis   (tests and demo need Linux for perf)`;

/**
 * Puts real servers into the cache folder, without root and without touching the system's packages. Does nothing
 * for those that are there.
 * @returns the folder with the programs.
 * @throws MissingError where the system is not a Debian, or its archive cannot be reached.
 */
export async function fetchServers(
  families: readonly ServerFamily[] = ['valkey', 'redis'],
  onProgress: (line: string) => void = () => {},
): Promise<string> {
  const folder = serversFolder();
  const bin = join(folder, 'bin');
  await withLock(join(folder, 'lock'), async () => {
    for (const family of families) {
      if (existsSync(join(bin, `${family}-server`))) continue;
      const codename = debianCodename();
      if (codename === undefined)
        throw new MissingError(
          'not-debian',
          `Fetching servers needs Debian's apt, and this system is not a Debian. ${howToInstall}`,
        );
      onProgress(`fetching ${family}-server into ${folder}`);
      await fetchFamily(family, codename, folder);
    }
  });
  return bin;
}

async function fetchFamily(family: ServerFamily, codename: string, folder: string): Promise<void> {
  const scratch = mkdtempSync(join(folder, 'fetch-'));
  const home = join(folder, family);
  try {
    const root = join(scratch, 'root');
    if (family === 'redis') {
      const apt = await openApt(join(scratch, 'apt'), [redisSuite]);
      await apt.unpack(redisPackages.split(' '), root);
    } else {
      const apt = await openApt(join(scratch, 'apt'), suitesWithValkey(codename));
      const programs = ['valkey-server', 'valkey-tools'];
      await apt.unpack([...programs, ...(await apt.librariesOf(programs))], root);
    }
    rmSync(home, { recursive: true, force: true });
    renameSync(root, home);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  writeWrappers(family, home, join(folder, 'bin'));
}

/** Debian 12 has it in its backports, later releases have it themselves. */
function suitesWithValkey(codename: string): string[] {
  return codename === 'bookworm' ? [codename, `${codename}-backports`] : [codename];
}

/** Scripts that `exec`, so that their PID is the program's. The server's comes last: it says that all are there. */
function writeWrappers(family: ServerFamily, home: string, bin: string): void {
  mkdirSync(bin, { recursive: true });
  const libraries = libraryFolders(home).map(quote).join(delimiter);
  const loader = family === 'redis' ? findLoader(home) : undefined;
  for (const name of ['cli', 'benchmark', 'server'].map((part) => `${family}-${part}`)) {
    const program = quote(join(home, 'usr/bin', name));
    const call =
      loader === undefined
        ? `LD_LIBRARY_PATH=${libraries} exec ${program} "$@"`
        : `exec ${quote(loader)} --library-path ${libraries} ${program} "$@"`;
    const path = join(bin, name);
    writeFileSync(`${path}.new`, `#!/bin/sh\n${call}\n`);
    chmodSync(`${path}.new`, 0o755);
    renameSync(`${path}.new`, path);
  }
}

function libraryFolders(home: string): string[] {
  return ['lib', 'usr/lib'].flatMap((lib) => {
    const folder = join(home, lib);
    if (!existsSync(folder)) return [];
    const nested = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return nested
      .map((entry) => join(folder, entry.name))
      .filter((path) => readdirSync(path).some((name) => name.includes('.so')));
  });
}

function findLoader(home: string): string {
  for (const folder of [...libraryFolders(home), join(home, 'lib64'), join(home, 'usr/lib64')]) {
    const name = existsSync(folder) && readdirSync(folder).find((file) => /^ld-linux.*\.so/.test(file));
    if (name) return join(folder, name);
  }
  throw new MissingError('no-loader', `Expected libc6 to bring a loader (ld-linux*.so) below ${home}`);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
