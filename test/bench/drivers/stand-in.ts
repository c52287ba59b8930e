import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const fixtures = fileURLToPath(new URL('../../fixtures/', import.meta.url));

/** The path of a recorded run, without its ending: `valkey-bench-rs/ping`. */
export const recordingPath = (name: string): string => join(fixtures, 'recordings', name);

/** A folder of its own with programs in it. */
export class Programs implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<Programs> {
    return new Programs(await mkdtemp(join(tmpdir(), 'stagewatch-programs-')));
  }

  /**
   * A program that is a fixture, or another program, with its first arguments given: drivers pass on no environment that could choose.
   * @param name of the program; may be in folders below.
   */
  async add(name: string, fixture: string, ...words: readonly string[]): Promise<string> {
    const path = join(this.folder, name);
    const quoted = [resolve(fixtures, 'bench', fixture), ...words].map((word) => `'${word}'`).join(' ');
    await writeFile(path, `#!/bin/sh\nexec ${quoted} "$@"\n`);
    await chmod(path, 0o755);
    return path;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}
