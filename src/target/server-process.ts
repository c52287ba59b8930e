import { basename } from 'node:path';
import { type LocalProcess, executableName, executesFile, ourAncestors } from './process.ts';
import { type Listening, listeningOf } from './sockets.ts';

/** What a user means who names none; `stagewatch-engine` is the title of the embedded server. */
export const defaultServerNames: readonly string[] = ['valkey-server', 'redis-server', 'stagewatch-engine'];

export interface ServerProcess extends LocalProcess {
  /** The server's name, even where its executable is called otherwise. */
  readonly program: string;
  readonly listening: Listening;
}

/**
 * The processes that are servers of these names. Neither an executable's name nor the kernel's says it: Debian's
 * valkey-server is a link to valkey-check-rdb, and a server started through its own loader is `ld-linux-x86-64`. So
 * its title counts; and less certain signs only for who listens, so that no `vim valkey-server` is taken for one.
 */
export function findServers(processes: readonly LocalProcess[], names: readonly string[]): ServerProcess[] {
  const exempt = ourAncestors();
  const servers = processes.flatMap((candidate) => {
    if (exempt.has(candidate.pid) || isSentinel(candidate)) return [];
    const server = asServer(candidate, names);
    return server ? [server] : [];
  });
  // A forked child saves to disk; it is no server of its own.
  const pids = new Set(servers.map(({ pid }) => pid));
  return servers.filter(({ stat }) => !pids.has(stat.ppid)).toSorted((a, b) => a.pid - b.pid);
}

/** What to call any process that somebody named by PID or port. */
export function programOf({ pid, argv, stat }: LocalProcess): string {
  const named = defaultServerNames.find((name) => argv.some((word) => isProgram(word, name)));
  if (named !== undefined) return named;
  const first = basename(argv[0]!.split(' ')[0]!).replace(/:$/, '');
  return first || executableName(pid) || stat.comm;
}

function asServer(candidate: LocalProcess, names: readonly string[]): ServerProcess | undefined {
  const { pid, argv, stat } = candidate;
  const titled = names.find((name) => isTitle(pid, argv[0]!, name));
  if (titled !== undefined) return { ...candidate, program: titled, listening: listeningOf(candidate) };

  const named =
    names.find((name) => stat.comm === name.slice(0, 15)) ??
    names.find((name) =>
      argv.some((word) => isProgram(word, name) && executesFile(pid, pathIn(word, name))),
    ) ??
    names.find((name) => name === executableName(pid));
  if (named === undefined) return undefined;
  const listening = listeningOf(candidate);
  return listening.ports.length > 0 || listening.unix
    ? { ...candidate, program: named, listening }
    : undefined;
}

/** A path with a blank in it may be any program's title: `ssh: /run/valkey-server [mux]`. */
function isTitle(pid: number, title: string, name: string): boolean {
  const path = pathIn(title, name);
  return path !== '' && (!path.includes(' ') || executesFile(pid, path));
}

/** `valkey-server`, `/usr/bin/valkey-server`, `/usr/bin/valkey-server 127.0.0.1:6379`. */
function isProgram(word: string, name: string): boolean {
  return pathIn(word, name) !== '';
}

/** The path in front of what a server adds to its title; blanks may be in it. */
function pathIn(word: string, name: string): string {
  for (let at = word.indexOf(name); at >= 0; at = word.indexOf(name, at + 1)) {
    const end = at + name.length;
    if ((at === 0 || word[at - 1] === '/') && (end === word.length || word[end] === ' '))
      return word.slice(0, end);
  }
  return '';
}

function isSentinel({ argv }: LocalProcess): boolean {
  return argv.at(-1)!.endsWith(' [sentinel]') || argv[0]!.split(' ')[0]!.endsWith('-sentinel');
}
