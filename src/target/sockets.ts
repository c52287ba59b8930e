import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** Where a process accepts connections. */
export interface Listening {
  /** TCP, ascending. */
  readonly ports: readonly number[];
  readonly unix: boolean;
}

/** As the process sees it: a container has a network of its own. */
export function listeningOf({
  pid,
  argv,
}: {
  readonly pid: number;
  readonly argv: readonly string[];
}): Listening {
  const inodes = socketInodes(pid);
  // Another user's: only the title tells.
  if (inodes === undefined) return { ports: portInTitle(argv.at(-1) ?? ''), unix: false };
  const ports = tcpListeners(`/proc/${pid}/net`).filter(({ inode }) => inodes.has(inode));
  return {
    ports: [...new Set(ports.map(({ port }) => port))].toSorted((a, b) => a - b),
    unix: ports.length === 0 && unixListeners(pid).some((inode) => inodes.has(inode)),
  };
}

/** Which of these processes listen on a TCP port of this machine. */
export function whoListensOn(port: number, pids: Iterable<number>): number[] {
  const inodes = new Set(
    tcpListeners('/proc/net').flatMap((listener) => (listener.port === port ? [listener.inode] : [])),
  );
  if (inodes.size === 0) return [];
  return [...pids].filter((pid) => [...(socketInodes(pid) ?? [])].some((inode) => inodes.has(inode)));
}

/** `valkey-server 127.0.0.1:6379 [cluster]` */
function portInTitle(title: string): number[] {
  const port = Number(/ \S*:(\d{1,5})(?: \[cluster\])?$/.exec(title)?.[1] ?? 0);
  return port > 0 ? [port] : [];
}

/** Undefined when we may not look. */
function socketInodes(pid: number): ReadonlySet<string> | undefined {
  const inodes = new Set<string>();
  const folder = `/proc/${pid}/fd`;
  const names = listOrNothing(folder);
  if (names === undefined) return undefined;
  for (const name of names) {
    try {
      const link = readlinkSync(`${folder}/${name}`);
      if (link.startsWith('socket:[')) inodes.add(link.slice('socket:['.length, -1));
    } catch {
      // Closed in the meantime.
    }
  }
  return inodes;
}

/** @param folder `/proc/net` or that of a process. */
function tcpListeners(folder: string): { port: number; inode: string }[] {
  return ['tcp', 'tcp6'].flatMap((name) =>
    // 0A is LISTEN. A benchmark leaves thousands of lines in other states.
    rows(`${folder}/${name}`, ' 0A ').flatMap((fields) => {
      const [, local = '', , state] = fields;
      const inode = fields[9];
      if (state !== '0A' || inode === undefined) return [];
      return [{ port: Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16), inode }];
    }),
  );
}

function unixListeners(pid: number): string[] {
  // __SO_ACCEPTCON, the only flag that is ever shown.
  return rows(`/proc/${pid}/net/unix`, ' 00010000 ').flatMap(([, , , , , , inode]) => inode ?? []);
}

/** Those lines of a table, as words, that hold a text. */
function rows(path: string, text: string): string[][] {
  try {
    return readFileSync(path, 'latin1')
      .split('\n')
      .filter((line) => line.includes(text))
      .map((line) => line.trim().split(/\s+/));
  } catch {
    return [];
  }
}

function listOrNothing(folder: string): string[] | undefined {
  try {
    return readdirSync(folder);
  } catch {
    return undefined;
  }
}
