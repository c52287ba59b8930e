/** The frames of one sample, as `perf script` printed them, innermost first; its buffer is used again and again. */
export class SampleLines {
  #bytes = Buffer.allocUnsafe(1024);
  readonly #ends: number[] = [];
  count = 0;

  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Where each line ends in `bytes`, and the next begins; `count` of them. */
  get ends(): readonly number[] {
    return this.#ends;
  }

  clear(): void {
    this.count = 0;
  }

  push(chunk: Buffer, from: number, to: number): void {
    const start = this.count === 0 ? 0 : (this.#ends[this.count - 1] as number);
    const end = start + to - from;
    if (end > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(end, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, start);
      this.#bytes = grown;
    }
    chunk.copy(this.#bytes, start, from, to);
    this.#ends[this.count++] = end;
  }

  pushText(line: string): void {
    const bytes = Buffer.from(line);
    this.push(bytes, 0, bytes.length);
  }
}
