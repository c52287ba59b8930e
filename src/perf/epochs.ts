export interface Epoch {
  readonly count: number;
  readonly since: number;
  readonly until: number;
}

/** When something of each process or thread changed; between two changes what was found out once holds. */
export class Epochs {
  readonly #changes = new Map<number, number[]>();
  #sorted = true;

  /** @param key a process or thread. @param time on any axis. */
  add(key: number, time: number): void {
    const changes = this.#changes.get(key);
    if (changes === undefined) this.#changes.set(key, [time]);
    else changes.push(time);
    this.#sorted = false;
  }

  /** How many changes there were by that time, and the times between which that number holds. */
  at(key: number, time: number): Epoch {
    if (!this.#sorted) this.#sort();
    const changes = this.#changes.get(key) ?? [];
    let low = 0;
    let high = changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((changes[middle] as number) <= time) low = middle + 1;
      else high = middle;
    }
    const since = changes[low - 1] ?? Number.NEGATIVE_INFINITY;
    return { count: low, since, until: changes[low] ?? Number.POSITIVE_INFINITY };
  }

  #sort(): void {
    for (const changes of this.#changes.values()) changes.sort((a, b) => a - b);
    this.#sorted = true;
  }
}
