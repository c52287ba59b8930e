import { open, type FileHandle } from 'node:fs/promises';
import { MARKER_OPENING } from '../stage/grammar.ts';
import type { SourceNotice } from './contract.ts';
import { isOpenForWriting } from './open-writers.ts';

/** Looked at for markers, at each end of the file: this is a courtesy, and must cost nothing. */
const LOOK_AT_BYTES = 2_097_152;

/** Tells somebody who follows a log that nobody writes to any more, and that holds stages already, what they may want. */
export async function noticeIfFinished(
  path: string,
  file: { dev: number; ino: number },
  tell: (notice: SourceNotice) => void,
): Promise<void> {
  try {
    if (await isOpenForWriting(file)) return;
    await using handle = await open(path);
    if (!(await holdsMarkers(handle))) return;
  } catch {
    return; // It has gone, or been rotated, meanwhile: so it is not finished.
  }
  tell({
    code: 'finished-log',
    message:
      `${path} holds stages already, and nobody writes to it: waiting for new ones. ` +
      `For the table of those that are there: stagewatch stages ${path}; to read them as history: --from-start.`,
  });
}

async function holdsMarkers(handle: FileHandle): Promise<boolean> {
  const { size } = await handle.stat();
  const buffer = Buffer.alloc(Math.min(size, LOOK_AT_BYTES));
  for (const position of [0, size - buffer.length]) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
    if (buffer.subarray(0, bytesRead).includes(MARKER_OPENING)) return true;
  }
  return false;
}
