import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';

/** V8 names new code as it makes it; the profile of a stage is read later than that. */
const EVERY_MS = 500;
const PAGE_BITS = 12;

interface Entry {
  readonly start: number;
  readonly end: number;
  /** Where its line begins in the file, and how many digits its address has. */
  readonly at: number;
  readonly digits: number;
}

/**
 * Keeps a perf map true. V8 appends a line for each piece of code, but says nothing when one is thrown away and its
 * address given to another: perf then finds two names for one address, and may take the dead one. So a line that
 * a later one overlaps is moved to address 0, in place and with its length kept, since V8 goes on writing behind it.
 */
export class PerfMapKeeper implements Disposable {
  readonly #file: number;
  readonly #timer: NodeJS.Timeout;
  /** Living entries by the pages that they touch. */
  readonly #byPage = new Map<number, Entry[]>();
  /** All before is known, bytes. */
  #read = 0;

  /** @throws where there is no such file. */
  constructor(path: string) {
    this.#file = openSync(path, 'r+');
    this.#timer = setInterval(() => this.tidy(), EVERY_MS).unref();
  }

  /** Looks at what is new in the file; quick when nothing is. */
  tidy(): void {
    const { size } = fstatSync(this.#file);
    if (size <= this.#read) return;
    const bytes = Buffer.alloc(size - this.#read);
    const length = readSync(this.#file, bytes, 0, bytes.length, this.#read);
    const text = bytes.toString('latin1', 0, length);
    let at = 0;
    // A last line without its end is still being written.
    for (let end = text.indexOf('\n'); end >= 0; at = end + 1, end = text.indexOf('\n', at)) {
      const entry = entryOf(text.slice(at, end), this.#read + at);
      if (entry) this.#add(entry);
    }
    this.#read += at;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    closeSync(this.#file);
  }

  #add(entry: Entry): void {
    for (const page of pagesOf(entry)) {
      const others = this.#byPage.get(page) ?? [];
      for (const other of others) if (overlap(entry, other)) this.#bury(other);
      this.#byPage.set(page, [...others.filter((other) => !overlap(entry, other)), entry]);
    }
  }

  #bury({ at, digits }: Entry): void {
    writeSync(this.#file, '0'.repeat(digits), at);
  }
}

/** `7f69c4165300 528 JS:*toString node:buffer:834:46`: address and size in hexadecimal, and a name. */
function entryOf(line: string, at: number): Entry | undefined {
  const [, address, size] = /^([\da-f]+) ([\da-f]+) /.exec(line) ?? [];
  if (address === undefined || size === undefined) return undefined;
  const start = Number.parseInt(address, 16);
  return { start, end: start + Number.parseInt(size, 16), at, digits: address.length };
}

function overlap(a: Entry, b: Entry): boolean {
  return a.start < b.end && b.start < a.end;
}

function* pagesOf({ start, end }: Entry): Iterable<number> {
  // Addresses have up to 48 bits: no bitwise operators.
  const last = Math.floor((end - 1) / 2 ** PAGE_BITS);
  for (let page = Math.floor(start / 2 ** PAGE_BITS); page <= last; page++) yield page;
}
