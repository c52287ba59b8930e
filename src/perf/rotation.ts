import { join } from 'node:path';
import type { StagewatchError } from '../error.ts';
import type { Target } from '../target/contract.ts';
import { ArmedRecord, type RecordOptions } from './record.ts';

export type RotationOptions = Omit<RecordOptions, 'file'> & {
  /** The folder of perf.data, perf.data.1, ... on the target's host. */
  readonly folder: string;
  /** Instead of `perf.data`; each recording of a target has a name of its own. */
  readonly name?: string;
};

/**
 * One armed perf after the other over one process. A perf.data is readable only once its perf has closed it, and perf's
 * own --switch-output is deaf for 50-140 ms and puts samples into the wrong file. So a successor is armed while the
 * old one still serves, and takes over while nothing is captured: nobody waits and nothing is lost.
 */
export class RecordRotation implements AsyncDisposable {
  /** Settles when a perf ended though nobody asked. */
  readonly failed: Promise<StagewatchError>;
  readonly #target: Target;
  readonly #options: RotationOptions;
  #reportFailure: (error: StagewatchError) => void = () => undefined;
  #current: ArmedRecord;
  #capturing = false;
  #ended = false;
  /** Takes over at the next quiet moment. */
  #waiting: { successor: ArmedRecord; resolve: () => void } | undefined;
  #rotating: Promise<void> | undefined;

  private constructor(target: Target, options: RotationOptions, first: ArmedRecord) {
    this.#target = target;
    this.#options = options;
    this.#current = first;
    this.failed = new Promise((resolve) => (this.#reportFailure = resolve));
    void this.#watch(first);
  }

  /** @throws as ArmedRecord.arm. */
  static async arm(target: Target, options: RotationOptions): Promise<RecordRotation> {
    const file = await freeName(target, options);
    return new RecordRotation(target, options, await ArmedRecord.arm(target, { ...options, file }));
  }

  /** As perf really records it. */
  get event(): string {
    return this.#current.event;
  }

  /** Where a span that starts now will be: it stays whole in one file. */
  get file(): string {
    return this.#current.options.file;
  }

  async enable(): Promise<void> {
    this.#capturing = true;
    await this.#current.enable();
  }

  async disable(): Promise<void> {
    await this.#current.disable();
    this.#capturing = false;
    this.#swapIfQuiet();
  }

  /**
   * Closes the current file; spans go to the next one. Waits for a moment without capture, and never makes one.
   * @throws as ArmedRecord.arm: then the old perf goes on.
   */
  rotate(): Promise<void> {
    this.#rotating ??= this.#rotate().finally(() => (this.#rotating = undefined));
    return this.#rotating;
  }

  async #rotate(): Promise<void> {
    if (this.#ended) return;
    const file = await freeName(this.#target, this.#options);
    const successor = await ArmedRecord.arm(this.#target, { ...this.#options, file });
    if (this.#ended) return successor.end();
    const old = this.#current;
    await new Promise<void>((resolve) => {
      this.#waiting = { successor, resolve };
      this.#swapIfQuiet();
    });
    if (this.#current === old) await successor.end();
    else await old.end();
  }

  #swapIfQuiet(): void {
    if (this.#capturing || this.#waiting === undefined) return;
    const { successor, resolve } = this.#waiting;
    this.#waiting = undefined;
    this.#current = successor;
    void this.#watch(successor);
    resolve();
  }

  /** No capture any more: the last file is whole when it resolves. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#waiting?.resolve();
    this.#waiting = undefined;
    await Promise.all([this.#current.end(), this.#rotating?.catch(() => undefined)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  async #watch(record: ArmedRecord): Promise<void> {
    const error = await record.failed;
    if (record === this.#current) this.#reportFailure(error);
  }
}

const usualName = 'perf.data';

/** All perf.data of a folder, oldest first; absolute. @param base the first one's name. */
export async function perfDataFiles(host: Target, folder: string, base = usualName): Promise<string[]> {
  const names = await host.list(folder).catch(() => []);
  return names
    .filter(
      (name) => name === base || (name.startsWith(`${base}.`) && /^\d+$/.test(name.slice(base.length + 1))),
    )
    .sort((a, b) => numberOf(a) - numberOf(b))
    .map((name) => join(folder, name));
}

/** perf.data, then perf.data.1, ...: a server that restarts is recorded into the folder that it had. */
async function freeName(
  host: Target,
  { folder, name = usualName }: Pick<RotationOptions, 'folder' | 'name'>,
): Promise<string> {
  const last = (await perfDataFiles(host, folder, name)).at(-1);
  return join(folder, last === undefined ? name : `${name}.${numberOf(last) + 1}`);
}

function numberOf(name: string): number {
  return Number(/\.(\d+)$/.exec(name)?.[1] ?? 0);
}
