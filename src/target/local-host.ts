import { constants } from 'node:fs';
import { access, readFile, readdir } from 'node:fs/promises';
import type { Children } from '../restore/children.ts';
import type { Child, Host, OpenFiles, SpawnOptions } from './contract.ts';
import { LocalFiles } from './open-files.ts';

/** This machine. */
export class LocalHost implements Host {
  readonly name = 'localhost';
  readonly #children: Pick<Children, 'spawn'>;

  /** @param children whoever made them ends them. */
  constructor(children: Pick<Children, 'spawn'>) {
    this.#children = children;
  }

  command(argv: readonly string[]): readonly string[] {
    return argv;
  }

  spawn(argv: readonly string[], options?: SpawnOptions): Child {
    return this.#children.spawn(argv, options);
  }

  readFile(path: string): Promise<string> {
    return readFile(path, 'utf8');
  }

  async canRead(path: string): Promise<boolean> {
    try {
      await access(path, constants.R_OK);
      return true;
    } catch {
      return false;
    }
  }

  openFiles(paths: readonly string[]): Promise<OpenFiles> {
    return Promise.resolve(new LocalFiles(paths));
  }

  list(path: string): Promise<string[]> {
    return readdir(path);
  }
}
