import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

const CHUNK = 1024 * 1024;

/** The lines that are appended to a file of ours: written whole, never truncated. Not there yet is empty. */
export class Tail implements AsyncDisposable {
  readonly #path: string;
  #file: FileHandle | undefined;
  #at = 0;
  #rest = Buffer.alloc(0);

  constructor(path: string) {
    this.#path = path;
  }

  /** The whole lines that came since the last call, in order. */
  async read(): Promise<string[]> {
    this.#file ??= await openIfThere(this.#path);
    if (this.#file === undefined) return [];
    const lines: string[] = [];
    for (;;) {
      const { bytesRead, buffer } = await this.#file.read(Buffer.alloc(CHUNK), 0, CHUNK, this.#at);
      if (bytesRead === 0) return lines;
      this.#at += bytesRead;
      const text = Buffer.concat([this.#rest, buffer.subarray(0, bytesRead)]);
      const end = text.lastIndexOf(0x0a);
      this.#rest = text.subarray(end + 1);
      if (end >= 0) lines.push(...text.subarray(0, end).toString().split('\n'));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close();
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
