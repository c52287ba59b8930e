/** A list that is pushed and popped at both ends in constant time. */
export class Deque {
  #items: string[] = Array.from({ length: 8 }, () => '');
  #first = 0;
  length = 0;

  at(index: number): string | undefined {
    return index < 0 || index >= this.length
      ? undefined
      : this.#items[(this.#first + index) & (this.#items.length - 1)];
  }

  unshift(item: string): void {
    this.#grow();
    this.#first = (this.#first - 1) & (this.#items.length - 1);
    this.#items[this.#first] = item;
    this.length++;
  }

  push(item: string): void {
    this.#grow();
    this.#items[(this.#first + this.length++) & (this.#items.length - 1)] = item;
  }

  shift(): string | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#first]!;
    this.#items[this.#first] = '';
    this.#first = (this.#first + 1) & (this.#items.length - 1);
    this.length--;
    this.#shrink();
    return item;
  }

  pop(): string | undefined {
    if (this.length === 0) return undefined;
    const index = (this.#first + --this.length) & (this.#items.length - 1);
    const item = this.#items[index]!;
    this.#items[index] = '';
    this.#shrink();
    return item;
  }

  #grow(): void {
    if (this.length === this.#items.length) this.#resize(this.#items.length * 2);
  }

  #shrink(): void {
    if (this.#items.length > 64 && this.length < this.#items.length / 4) this.#resize(this.#items.length / 2);
  }

  /** @param size a power of two. */
  #resize(size: number): void {
    const items: string[] = [];
    for (let i = 0; i < this.length; i++) items.push(this.at(i)!);
    while (items.length < size) items.push('');
    this.#items = items;
    this.#first = 0;
  }
}
