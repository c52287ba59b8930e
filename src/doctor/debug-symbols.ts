import { access, readFile, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { run } from '../perf/run.ts';
import type { Host } from '../target/contract.ts';

/** The file with the symbols of an executable, where perf would look for it; undefined where there is none. */
export async function installedDebugFile(
  executable: string,
  { buildId, debugLink }: { readonly buildId: string | undefined; readonly debugLink: string | undefined },
): Promise<string | undefined> {
  const folder = dirname(executable);
  const candidates = [
    ...(buildId === undefined
      ? []
      : [`/usr/lib/debug/.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`]),
    ...(debugLink === undefined
      ? []
      : [
          join(folder, debugLink),
          join(folder, '.debug', debugLink),
          join('/usr/lib/debug', folder, debugLink),
        ]),
  ];
  for (const path of candidates) {
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}

/**
 * The command that installs the debug symbols of an executable, by the package that it came in; undefined where no
 * package manager of this system knows it.
 */
export async function debugSymbolCommand(host: Host, executable: string): Promise<string | undefined> {
  const debian = await run(host, ['dpkg', '-S', executable], { env: { LC_ALL: 'C' } });
  // `valkey-tools: /usr/bin/valkey-check-rdb`; a library's has `:amd64` too.
  const debianPackage = /^([a-z0-9][a-z0-9.+-]*)(?::\w+)?: /m.exec(debian.stdout)?.[1];
  if (debianPackage !== undefined) return `apt-get install ${debianPackage}-dbgsym`;
  const rpm = await run(host, ['rpm', '-qf', '--qf', '%{NAME}', executable], { env: { LC_ALL: 'C' } });
  if (rpm.end.state === 'exited' && rpm.end.exitCode === 0 && /^[\w.+-]+$/.test(rpm.stdout))
    return `dnf debuginfo-install ${rpm.stdout}`;
  return undefined;
}

export interface Executable {
  /** On its own file system. */
  readonly path: string;
  /** The same for us to open. */
  readonly opened: string;
  /** Not of this system: in a container. */
  readonly isElsewhere: boolean;
}

/** The program that a process runs; undefined when we may not look. */
export async function executableOf(pid: number): Promise<Executable | undefined> {
  try {
    const [path, own, theirs] = await Promise.all([
      readlink(`/proc/${pid}/exe`),
      readlink('/proc/self/ns/mnt'),
      readlink(`/proc/${pid}/ns/mnt`),
    ]);
    const isElsewhere = own !== theirs;
    if (/^ld(64)?[-.].*\.so/.test(basename(path))) {
      const program = await programBehindLoader(pid);
      if (program !== undefined) return { path: program, opened: `/proc/${pid}/root${program}`, isElsewhere };
    }
    return {
      path: isElsewhere ? path : await realpath(path).catch(() => path),
      opened: `/proc/${pid}/exe`,
      isElsewhere,
    };
  } catch {
    return undefined;
  }
}

/** A server that was started through its own loader: what it executes that is no library. */
async function programBehindLoader(pid: number): Promise<string | undefined> {
  const maps = await readFile(`/proc/${pid}/maps`, 'utf8');
  const executed = maps
    .split('\n')
    .flatMap((line) => /^\S+ ..x. \S+ \S+ \d+\s+(\/.*)$/.exec(line)?.[1] ?? []);
  return executed.find((path) => !/\.so(\.|$)/.test(basename(path)));
}
