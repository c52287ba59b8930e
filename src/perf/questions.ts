import type { SampleLayout } from './sample-layout.ts';
import type { ThinData } from './thin-data.ts';

/** A sample that perf is asked about. */
export interface Question {
  readonly tid: number;
  /** On the axis, ns. */
  readonly time: number;
  /** By number: what perf calls it is asked too. */
  readonly thread: number;
  /** By number, in the order of the call chain. */
  readonly addresses: number[];
}

interface Open extends Question {
  /** The whole record of a sample, of which the call chain is replaced. */
  readonly record: Buffer;
  /** Low and high halves; of them `filled`. */
  readonly chain: Uint32Array;
  filled: number;
  /** Of the last word that says whose the next addresses are; 0 before any. */
  context: number;
}

/** Of a call chain, perf resolves 127. */
const addressesPerQuestion = 96;
const maximumOpen = 64;
const contextsHigh = 0xffffffff;

/**
 * Gathers what perf must name into few samples: an address means the same in every sample of a process between two
 * changes of its mappings, so that one call chain asks for what a hundred samples showed for the first time. perf
 * takes 10 µs for each sample that it prints, and so do we to read it.
 */
export class Questions {
  readonly asked: Question[] = [];
  readonly #thin: ThinData;
  readonly #layout: SampleLayout;
  /** By scope. */
  readonly #open = new Map<number, Open>();

  constructor(thin: ThinData, layout: SampleLayout) {
    this.#thin = thin;
    this.#layout = layout;
  }

  /** A sample whose thread, or whose addresses, perf will be asked about. @param record of it; copied. */
  begin(scope: number, thread: number, tid: number, time: number, record: Buffer): void {
    const open = this.#open.get(scope);
    if (open !== undefined) this.#close(scope, open);
    if (this.#open.size >= maximumOpen) this.finish();
    this.#open.set(scope, {
      tid,
      time,
      thread,
      addresses: [],
      record: Buffer.from(record),
      chain: new Uint32Array(addressesPerQuestion * 4),
      filled: 0,
      context: 0,
    });
  }

  /** @returns whether there is room; if not, begin another one. */
  add(scope: number, address: number, low: number, high: number, context: number): boolean {
    const open = this.#open.get(scope);
    if (open === undefined || open.addresses.length === addressesPerQuestion) return false;
    // Before any context, addresses are of what the sample itself is of.
    if (context === 0 && open.context !== 0) return false;
    const { chain } = open;
    if (context !== open.context) {
      chain[open.filled++] = context;
      chain[open.filled++] = contextsHigh;
      open.context = context;
    }
    chain[open.filled++] = low;
    chain[open.filled++] = high;
    open.addresses.push(address);
    return true;
  }

  /** Call after the last sample. */
  finish(): void {
    for (const [scope, open] of this.#open) this.#close(scope, open);
  }

  #close(scope: number, { record, chain, filled, tid, time, thread, addresses }: Open): void {
    this.#open.delete(scope);
    this.asked.push({ tid, time, thread, addresses });
    this.#thin.addSample(record, this.#layout.chainAt, Buffer.from(chain.buffer, 0, filled * 4));
  }
}
