import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';

const batchChars = 256 * 1024;

/** Writes lines to a file that is there whole or not at all; 0600. @throws the file system's error. */
export function writeWhole(path: string, lines: Iterable<string>): void {
  const partial = `${path}.partial`;
  // A link that waits under that name is removed, not followed.
  rmSync(partial, { force: true });
  const file = openSync(partial, 'wx', 0o600);
  try {
    let batch = '';
    for (const line of lines) {
      batch += `${line}\n`;
      if (batch.length >= batchChars) {
        writeSync(file, batch);
        batch = '';
      }
    }
    writeSync(file, batch);
  } catch (error) {
    closeSync(file);
    rmSync(partial, { force: true });
    throw error;
  }
  closeSync(file);
  renameSync(partial, path);
}
