import type { Child, Host, OpenFiles, SpawnOptions, Target } from './contract.ts';

/** What is known of a server process. */
export interface TargetFacts {
  readonly id: string;
  readonly program: string;
  readonly pid: number;
  readonly startTicks: number;
  readonly port?: number;
  readonly commandLine: string;
}

/** A process, and the machine that it runs on. */
export abstract class ProcessTarget implements Target {
  readonly id: string;
  readonly program: string;
  readonly pid: number;
  readonly startTicks: number;
  declare readonly port?: number;
  readonly commandLine: string;
  readonly name: string;
  readonly #host: Host;

  constructor(host: Host, facts: TargetFacts) {
    this.#host = host;
    this.name = host.name;
    this.id = facts.id;
    this.program = facts.program;
    this.pid = facts.pid;
    this.startTicks = facts.startTicks;
    if (facts.port !== undefined) this.port = facts.port;
    this.commandLine = facts.commandLine;
  }

  abstract isAlive(): boolean;

  command(argv: readonly string[]): readonly string[] {
    return this.#host.command(argv);
  }

  spawn(argv: readonly string[], options?: SpawnOptions): Child {
    return this.#host.spawn(argv, options);
  }

  readFile(path: string): Promise<string> {
    return this.#host.readFile(path);
  }

  canRead(path: string): Promise<boolean> {
    return this.#host.canRead(path);
  }

  openFiles(paths: readonly string[]): Promise<OpenFiles> {
    return this.#host.openFiles(paths);
  }

  list(path: string): Promise<string[]> {
    return this.#host.list(path);
  }
}
