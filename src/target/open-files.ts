import { closeSync, openSync, readSync } from 'node:fs';
import type { OpenFiles } from './contract.ts';

/**
 * Files of this machine. Reads are synchronous: the kernel makes the texts of /proc from memory, in 10-50 µs each,
 * and a trip through Node's thread pool costs ten times that.
 */
export class LocalFiles implements OpenFiles {
  readonly #descriptors: (number | undefined)[];
  #buffer = Buffer.allocUnsafe(16 << 10);

  constructor(paths: readonly string[]) {
    this.#descriptors = paths.map((path) => {
      try {
        return openSync(path, 'r');
      } catch {
        return undefined;
      }
    });
  }

  read(): Promise<readonly (string | undefined)[]> {
    return Promise.resolve(
      this.#descriptors.map((descriptor) =>
        descriptor === undefined ? undefined : this.#readOne(descriptor),
      ),
    );
  }

  [Symbol.dispose](): void {
    for (const descriptor of this.#descriptors.splice(0)) if (descriptor !== undefined) closeSync(descriptor);
  }

  #readOne(descriptor: number): string | undefined {
    let length = 0;
    try {
      for (;;) {
        const bytes = readSync(descriptor, this.#buffer, length, this.#buffer.length - length, length);
        if (bytes === 0) return this.#buffer.toString('utf8', 0, length);
        length += bytes;
        if (length === this.#buffer.length) this.#buffer = Buffer.concat([this.#buffer], length * 2);
      }
    } catch {
      return undefined;
    }
  }
}
