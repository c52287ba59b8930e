import { randomBytes } from 'node:crypto';
import { BenchmarkError } from '../bench/error.ts';
import { makeData, NUMBER_DIGITS } from '../load/request-template.ts';
import { Changes } from '../restore/changes.ts';
import type { Command, ControlClient } from '../valkey/client.ts';
import { demandRestored } from './not-restored.ts';
import type { Journal } from './preparation.ts';

/** Bytes that are sent before replies are awaited. */
const batchBytes = 256 * 1024;
/** Of one UNLINK, and of those sent at once. */
const keysPerUnlink = 500;
const unlinksAtOnce = 20;
/** Evicting for one batch may take the server a while, ms. */
const replyWithinMs = 60_000;

export type Written =
  | { readonly state: 'written' }
  /** It takes no more: `OOM command not allowed when used memory > 'maxmemory'`. */
  | { readonly state: 'refused' };

/**
 * Keys of an experiment, below a prefix that nobody else has: `PREFIXkey:000000000000` and on, so that a load with that
 * `--key-prefix` hits them. Disposing removes them, and no other; the journal has the prefix before the first is written.
 */
export class OwnKeys implements AsyncDisposable {
  readonly prefix: string;
  readonly #client: ControlClient;
  readonly #changes: Changes;
  #count = 0;
  /** Numbers below this may have been written, by us or by a load. */
  #limit = 0;

  private constructor(client: ControlClient, journal: Journal, purpose: string) {
    this.#client = client;
    this.#changes = new Changes(journal);
    this.prefix = `stagewatch:${purpose}:${randomBytes(4).toString('hex')}:`;
  }

  /** @param purpose part of the prefix: `memory`. @param client stays the caller's. */
  static async open(client: ControlClient, journal: Journal, purpose: string): Promise<OwnKeys> {
    const keys = new OwnKeys(client, journal, purpose);
    await keys.#changes.make({
      setting: `keys:${keys.prefix}`,
      server: client.where,
      from: 'none',
      to: 'some',
      // They are written by and by.
      apply: () => Promise.resolve(),
      putBack: () => keys.remove(),
    });
    return keys;
  }

  /** Written by us: numbers from 0 to one below this. Some of them may have been evicted since. */
  get count(): number {
    return this.#count;
  }

  /** A load is about to write numbers up to one below this. */
  reserve(limit: number): void {
    this.#limit = Math.max(this.#limit, limit);
  }

  /** Writes the next keys. @throws {StagewatchError} when the server is lost. @throws {BenchmarkError} fill-refused. */
  async add(keys: number, valueBytes: number, signal: AbortSignal): Promise<Written> {
    const value = makeData(valueBytes);
    const perBatch = Math.max(1, Math.floor(batchBytes / (valueBytes + this.prefix.length + 64)));
    for (let left = keys; left > 0 && !signal.aborted;) {
      const batch = Math.min(left, perBatch);
      const first = this.#count;
      this.reserve(first + batch);
      const commands = Array.from({ length: batch }, (_, i): Command => ['SET', this.#key(first + i), value]);
      const answers = await this.#client.ask(commands, replyWithinMs);
      const refused = answers.findIndex(({ state }) => state === 'refused');
      this.#count += refused < 0 ? batch : refused;
      left -= batch;
      const answer = answers[refused];
      if (answer?.state !== 'refused') continue;
      if (/\bOOM\b/.test(answer.error.message)) return { state: 'refused' };
      throw new BenchmarkError('fill-refused', `Expected SET to be taken. ${answer.error.message}`, {
        cause: answer.error,
      });
    }
    return { state: 'written' };
  }

  /** Removes all of them; more may be written afterwards. */
  async remove(): Promise<void> {
    const commands: Command[] = [];
    const send = async (): Promise<void> => {
      for (const answer of await this.#client.ask(commands.splice(0), replyWithinMs))
        if (answer.state === 'refused') throw answer.error;
    };
    for (let at = 0; at < this.#limit; at += keysPerUnlink) {
      const length = Math.min(keysPerUnlink, this.#limit - at);
      commands.push(['UNLINK', ...Array.from({ length }, (_, i) => this.#key(at + i))]);
      if (commands.length === unlinksAtOnce) await send();
    }
    if (commands.length > 0) await send();
    this.#count = 0;
    this.#limit = 0;
  }

  /** @throws {BenchmarkError} not-restored, when they could not be removed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#changes[Symbol.asyncDispose]();
    demandRestored(this.#changes);
  }

  #key(number: number): string {
    return `${this.prefix}key:${String(number).padStart(NUMBER_DIGITS, '0')}`;
  }
}
