/** Milliseconds, and a number among those of one millisecond. */
export type StreamId = readonly [ms: number, sequence: number];

export interface StreamEntry {
  readonly id: StreamId;
  /** Names and values in turn. */
  readonly fields: readonly string[];
}

/** A log of entries whose ids only grow. */
export class Stream {
  readonly entries: StreamEntry[] = [];
  #last: StreamId = [0, 0];

  /** The next id at a time, ms. */
  nextId(ms: number): StreamId {
    const [lastMs, lastSequence] = this.#last;
    return ms > lastMs ? [ms, 0] : [lastMs, lastSequence + 1];
  }

  /** @returns whether the id is greater than all before. */
  add(entry: StreamEntry): boolean {
    const [ms, sequence] = entry.id;
    const [lastMs, lastSequence] = this.#last;
    if (ms < lastMs || (ms === lastMs && sequence <= lastSequence)) return false;
    this.entries.push(entry);
    this.#last = entry.id;
    return true;
  }
}
