import { CommandError } from './command-error.ts';
import type { RequestLimits } from './wire/request-parser.ts';

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1000,
  kb: 1024,
  m: 1e6,
  mb: 1024 ** 2,
  g: 1e9,
  gb: 1024 ** 3,
};

/** What CONFIG GET tells: our limits, and what clients ask a server of this family. Only limits can be set. */
export class Config {
  readonly limits: RequestLimits = { maxBulkBytes: 512 * 1024 ** 2, maxPendingBytes: 1024 ** 3 };
  readonly #fixed = new Map<string, string>([
    ['appendonly', 'no'],
    ['save', ''],
    ['databases', '16'],
    ['io-threads', '1'],
    ['maxmemory', '0'],
    ['maxmemory-policy', 'noeviction'],
    ['timeout', '0'],
    ['tcp-keepalive', '300'],
    ['cluster-enabled', 'no'],
    ['loglevel', 'notice'],
  ]);

  /** Facts that are known later than we are. */
  fix(name: string, value: string): void {
    this.#fixed.set(name, value);
  }

  entries(): [name: string, value: string][] {
    return [
      ...this.#fixed,
      ['proto-max-bulk-len', String(this.limits.maxBulkBytes)],
      ['client-query-buffer-limit', String(this.limits.maxPendingBytes)],
    ];
  }

  /** @throws CommandError */
  set(name: string, value: string): void {
    const limit =
      name === 'proto-max-bulk-len'
        ? 'maxBulkBytes'
        : name === 'client-query-buffer-limit'
          ? 'maxPendingBytes'
          : undefined;
    if (limit !== undefined) {
      const match = /^(\d{1,15})([a-z]*)$/i.exec(value);
      const unit = UNITS[match?.[2]?.toLowerCase() ?? '-'];
      const bytes = Number(match?.[1]) * (unit ?? Number.NaN);
      if (!(bytes >= 1024 ** 2 && bytes <= 1024 ** 3))
        throw new CommandError(
          `ERR CONFIG SET failed (possibly related to argument '${name}') - argument must be a memory value between 1mb and 1gb`,
        );
      this.limits[limit] = bytes;
    } else if (!this.#fixed.has(name))
      throw new CommandError(`ERR Unknown option or number of arguments for CONFIG SET - '${name}'`);
    else if (this.#fixed.get(name) !== value)
      throw new CommandError(
        `ERR CONFIG SET failed (possibly related to argument '${name}') - can't set immutable config`,
      );
  }
}
