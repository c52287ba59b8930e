import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { StagewatchError } from '../error.ts';
import type { Artifact, ArtifactDir } from '../hook/contract.ts';

/** A folder below a session, for one hook's files. Whole files only: written beside their place and renamed. */
export class SessionArtifactDir implements ArtifactDir {
  readonly path: string;
  readonly #session: string;
  readonly #about: Pick<Artifact, 'hook' | 'target' | 'span'>;

  constructor(session: string, path: string, about: Pick<Artifact, 'hook' | 'target' | 'span'>) {
    this.path = path;
    this.#session = session;
    this.#about = about;
  }

  writeJson(name: string, value: object): Promise<Artifact> {
    return this.writeText(name, `${JSON.stringify({ version: 1, ...value }, undefined, 2)}\n`);
  }

  async writeText(name: string, text: string): Promise<Artifact> {
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    await writeWhole(join(this.path, name), text);
    return this.existing(name);
  }

  async existing(name: string): Promise<Artifact> {
    const path = join(this.path, name);
    const { size } = await stat(path).catch((cause: unknown) => {
      throw new StagewatchError(
        'artifact-missing',
        `Expected ${path} to have been written, it is not there`,
        { cause },
      );
    });
    return { ...this.#about, path: relative(this.#session, path), bytes: size };
  }
}

/** Writes a file so that it is there whole or not at all. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const beside = `${path}.${process.pid}.tmp`;
  await writeFile(beside, text, { mode: 0o600 });
  await rename(beside, path);
}
