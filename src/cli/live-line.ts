import { isatty } from 'node:tty';
import { writeResult } from './output.ts';

/** One line of a terminal that is written again and again, below all else; nothing where there is no terminal. */
export class LiveLine implements Disposable {
  readonly #fd: number;
  readonly #shows: boolean;
  #text = '';
  #isDrawn = false;

  constructor(fd: number, shows = isatty(fd)) {
    this.#fd = fd;
    this.#shows = shows;
  }

  draw(text: string): void {
    this.#text = text;
    if (!this.#shows) return;
    // One column stays free: a full line would wrap, and could not be cleared.
    const width = Math.max(20, (process.stderr.columns || 80) - 1);
    writeResult(this.#fd, `\r\u001b[K${text.slice(0, width)}`);
    this.#isDrawn = true;
  }

  /** Lets something else be written, and shows the line again below it. */
  aside(write: () => void): void {
    const wasDrawn = this.#isDrawn;
    this.clear();
    write();
    if (wasDrawn) this.draw(this.#text);
  }

  clear(): void {
    if (this.#isDrawn) writeResult(this.#fd, '\r\u001b[K');
    this.#isDrawn = false;
  }

  [Symbol.dispose](): void {
    this.clear();
  }
}
