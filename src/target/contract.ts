import type { Readable, Writable } from 'node:stream';

export type ChildEnd =
  | { readonly state: 'exited'; readonly exitCode: number }
  | { readonly state: 'killed'; readonly signal: NodeJS.Signals }
  /** It never ran: not found, not executable, no memory. */
  | { readonly state: 'not-started'; readonly error: Error };

export interface SpawnOptions {
  /** One entry a descriptor, from 0; default ['ignore', 'pipe', 'pipe']. 'pipe' beyond 2 is a duplex pipe. A number is a descriptor of ours. */
  readonly stdio?: readonly ('ignore' | 'pipe' | number)[];
  /** Added to the environment that children get. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** The first signal that `end` sends; default SIGTERM. perf wants SIGINT. */
  readonly endSignal?: 'SIGINT' | 'SIGTERM';
  /** Niced; stopped (SIGSTOP) while a watched span is open. For collecting only. */
  readonly background?: boolean;
}

/** A program that we started, in a process group of its own. */
export interface Child {
  readonly pid: number | undefined;
  readonly argv: readonly string[];
  readonly stdio: readonly (Readable | Writable | null)[];
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** Settles once; never rejects. */
  readonly ended: Promise<ChildEnd>;
  /** Sends endSignal to the whole group, then SIGTERM after graceMs, then SIGKILL after graceMs more. */
  end(graceMs?: number): Promise<ChildEnd>;
}

/** Small files that are read again and again, those of /proc say: their descriptors stay open. */
export interface OpenFiles extends Disposable {
  /**
   * Their texts as they are now, in order; undefined for what was not there at first, or cannot be read. A file of
   * /proc/PID stays that process's: its PID given to another one reads as undefined.
   */
  read(): Promise<readonly (string | undefined)[]>;
}

/** A machine on which programs are started and files are read: this one, or one behind ssh. */
export interface Host {
  /** `localhost`; part of folder names. */
  readonly name: string;
  /** The argument list that runs `argv` there: itself here, behind ssh the ssh call. */
  command(argv: readonly string[]): readonly string[];
  spawn(argv: readonly string[], options?: SpawnOptions): Child;
  /** Whole text of a file there. @throws the file system's error (ENOENT, EACCES). */
  readFile(path: string): Promise<string>;
  canRead(path: string): Promise<boolean>;
  /** Much cheaper than readFile for what is read several times a second. @throws never. */
  openFiles(paths: readonly string[]): Promise<OpenFiles>;
  /** Names in a folder there. */
  list(path: string): Promise<string[]>;
}

/** A server process: PID plus start time, so that a reused PID is never mistaken for it. */
export interface Target extends Host {
  /** Folder name: `localhost-6379`, or `localhost-pid4711` where it listens nowhere. */
  readonly id: string;
  /** `valkey-server`, `redis-server`, ...: the program, whatever its executable is called. */
  readonly program: string;
  readonly pid: number;
  /** Field 22 of /proc/PID/stat, clock ticks since boot. */
  readonly startTicks: number;
  /** The lowest TCP port that it listens on. */
  readonly port?: number;
  /** Its command line; secrets removed. */
  readonly commandLine: string;
  /** False when the process is gone, or when its PID belongs to another one by now. */
  isAlive(): boolean;
}
