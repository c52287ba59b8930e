/** What INFO commandstats tells of one command. */
export interface CommandStat {
  calls: number;
  /** Spent in it, µs. */
  us: number;
  /** Not run: arity, NOAUTH. */
  rejected: number;
  failed: number;
}

/** Counters since the start; RESETSTAT clears them. */
export class Stats {
  readonly commands = new Map<string, CommandStat>();
  /** By the first word of the reply: ERR, WRONGTYPE. */
  readonly errors = new Map<string, number>();
  connections = 0;
  rejectedConnections = 0;
  commandsProcessed = 0;
  hits = 0;
  misses = 0;
  inputBytes = 0;
  outputBytes = 0;

  stat(name: string): CommandStat {
    let stat = this.commands.get(name);
    if (stat === undefined) this.commands.set(name, (stat = { calls: 0, us: 0, rejected: 0, failed: 0 }));
    return stat;
  }

  /** @param message as replied. */
  countError(message: string): void {
    const kind = message.slice(0, Math.max(0, message.indexOf(' '))) || 'ERR';
    // Kinds are ours, but FT errors have none.
    const known = /^[A-Z]+$/.test(kind) ? kind : 'ERR';
    this.errors.set(known, (this.errors.get(known) ?? 0) + 1);
  }

  reset(): void {
    this.commands.clear();
    this.errors.clear();
    this.connections = this.rejectedConnections = this.commandsProcessed = 0;
    this.hits = this.misses = this.inputBytes = this.outputBytes = 0;
  }
}
