import { constants, type Stats } from 'node:fs';
import { lstat, mkdir, open, type FileHandle } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { StagewatchError } from '../error.ts';

/**
 * A folder that is held open: what is written below it lands in it, wherever its name leads by now. The folder above may
 * be another user's, who can put a link in our folder's place. Node has no openat(2); /proc/self/fd/N is as good.
 */
export class HeldFolder implements AsyncDisposable {
  /** Its name when it was opened. */
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #identity: Pick<Stats, 'dev' | 'ino'>;

  private constructor(path: string, handle: FileHandle, identity: Pick<Stats, 'dev' | 'ino'>) {
    this.path = path;
    this.#handle = handle;
    this.#identity = identity;
  }

  /** @throws the file system's error, also for a link. @throws {StagewatchError} not-ours, when it is another user's. */
  static async open(path: string): Promise<HeldFolder> {
    const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
    const handle = await open(path, flags);
    const { dev, ino, uid } = await handle.stat();
    if (uid === (process.geteuid?.() ?? uid)) return new HeldFolder(path, handle, { dev, ino });
    await handle.close();
    throw new StagewatchError('not-ours', `Expected ${path} to be ours, but it belongs to the user ${uid}`);
  }

  /** The same place as `path`, which lies below this folder, by the folder that is held. Of use in this process only. */
  place(path: string): string {
    return join(`/proc/self/fd/${this.#handle.fd}`, relative(this.path, path));
  }

  /** Makes a folder below this one, and those between. @throws the file system's error. */
  async makeFolder(path: string): Promise<void> {
    let made = this.path;
    // One by one: Node's own `recursive` never returns where this folder was removed.
    for (const name of relative(this.path, path).split(sep)) {
      made = join(made, name);
      await mkdir(this.place(made), { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
    }
  }

  /** Whether its name still leads to it. */
  async isInPlace(): Promise<boolean> {
    const now = await lstat(this.path).catch(() => undefined);
    return now?.ino === this.#identity.ino && now.dev === this.#identity.dev;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}
