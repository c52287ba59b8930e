import { lstat, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Made to open two named pipes, and removed at once: what is there for longer was left behind, ms. */
const leftAfterMs = 60_000;
const pipeFolder = /^stagewatch-pipe-[A-Za-z0-9]{6}$/;

/** Folders of named pipes that a killed `run` left in the folder for temporary files; our own user's only. */
export async function leftPipeFolders(folder = tmpdir()): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const found: string[] = [];
  for (const name of names) {
    if (!pipeFolder.test(name)) continue;
    const path = join(folder, name);
    const stats = await lstat(path).catch(() => undefined);
    if (!stats?.isDirectory() || stats.uid !== (process.geteuid?.() ?? stats.uid)) continue;
    if (Date.now() - stats.mtimeMs > leftAfterMs) found.push(path);
  }
  return found;
}

/** @returns whether it is gone. */
export async function removeFolder(path: string): Promise<boolean> {
  return await rm(path, { recursive: true, force: true }).then(
    () => true,
    () => false,
  );
}
