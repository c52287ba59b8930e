import { constants } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { StagewatchError } from '../error.ts';
import type { Artifact, ArtifactDir } from '../hook/contract.ts';
import type { HeldFolder } from './held-folder.ts';

/** The session's folder. */
export type ArtifactRoot = Pick<HeldFolder, 'path' | 'place' | 'makeFolder'>;

/** A folder below a session, for one hook's files. Whole files only: written beside their place and renamed. */
export class SessionArtifactDir implements ArtifactDir {
  readonly path: string;
  readonly #session: ArtifactRoot;
  readonly #about: Pick<Artifact, 'hook' | 'target' | 'span'>;

  constructor(session: ArtifactRoot, path: string, about: Pick<Artifact, 'hook' | 'target' | 'span'>) {
    this.path = path;
    this.#session = session;
    this.#about = about;
  }

  writeJson(name: string, value: object): Promise<Artifact> {
    return this.writeText(name, `${JSON.stringify({ version: 1, ...value }, undefined, 2)}\n`);
  }

  async writeText(name: string, text: string): Promise<Artifact> {
    await this.#session.makeFolder(this.path);
    await writeWhole(this.#session.place(join(this.path, name)), text);
    return this.existing(name);
  }

  async existing(name: string): Promise<Artifact> {
    const path = join(this.path, name);
    const { size } = await stat(this.#session.place(path)).catch((cause: unknown) => {
      throw new StagewatchError(
        'artifact-missing',
        `Expected ${path} to have been written, it is not there`,
        { cause },
      );
    });
    return { ...this.#about, path: relative(this.#session.path, path), bytes: size };
  }
}

/** Writes a file so that it is there whole or not at all. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const beside = `${path}.${process.pid}.tmp`;
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
  try {
    await using file = await open(beside, flags, 0o600);
    await file.writeFile(text);
  } catch (error) {
    // Half of a file would fill a full disk for good.
    await rm(beside, { force: true }).catch(() => {});
    throw error;
  }
  await rename(beside, path);
}
