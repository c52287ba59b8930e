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

  /** How many changes there were by that time. */
  at(key: number, time: number): number {
    if (!this.#sorted) this.#sort();
    const changes = this.#changes.get(key);
    if (changes === undefined) return 0;
    // Most are asked of late.
    if ((changes.at(-1) as number) <= time) return changes.length;
    let low = 0;
    let high = changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((changes[middle] as number) <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #sort(): void {
    for (const changes of this.#changes.values()) changes.sort((a, b) => a - b);
    this.#sorted = true;
  }
}
