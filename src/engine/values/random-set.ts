/** A set that gives up a random member in constant time. */
export class RandomSet {
  readonly #positions = new Map<string, number>();
  readonly #members: string[] = [];

  get size(): number {
    return this.#members.length;
  }

  has(member: string): boolean {
    return this.#positions.has(member);
  }

  /** @returns whether it is new. */
  add(member: string): boolean {
    if (this.#positions.has(member)) return false;
    this.#positions.set(member, this.#members.push(member) - 1);
    return true;
  }

  /** @returns whether it was there. */
  delete(member: string): boolean {
    const position = this.#positions.get(member);
    if (position === undefined) return false;
    this.#positions.delete(member);
    const last = this.#members.pop()!;
    if (last !== member) {
      this.#members[position] = last;
      this.#positions.set(last, position);
    }
    return true;
  }

  takeRandom(): string | undefined {
    const member = this.#members[Math.floor(Math.random() * this.#members.length)];
    if (member !== undefined) this.delete(member);
    return member;
  }

  [Symbol.iterator](): Iterator<string> {
    return this.#members[Symbol.iterator]();
  }
}
