import { open, type FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';

/** What became of a program's output. */
export interface KeptOutput {
  /** In the file; there is none without a byte. */
  readonly bytes: number;
  /** Printed after the limit, or after the file could not be written any more. */
  readonly droppedBytes: number;
  readonly error?: Error;
}

/**
 * Keeps the beginning of a program's output in a file. What comes after the limit is read and thrown away: the program
 * is not held up, and neither memory nor disk fill. Call it in the turn in which the program is started.
 * @param path asked at the first byte.
 * @throws never. Resolves at the end of the stream, or when it is destroyed.
 */
export async function keepOutput(
  stream: Readable | null,
  path: () => string,
  limitBytes: number,
): Promise<KeptOutput> {
  let file: FileHandle | undefined;
  let error: Error | undefined;
  let [bytes, droppedBytes] = [0, 0];
  try {
    for await (const chunk of (stream ?? []) as AsyncIterable<Buffer>) {
      const kept = error ? chunk.subarray(0, 0) : chunk.subarray(0, limitBytes - bytes);
      droppedBytes += chunk.length - kept.length;
      if (kept.length === 0) continue;
      try {
        // Never through a link that waits under that name.
        file ??= await open(path(), 'wx', 0o600);
        await file.writeFile(kept);
        bytes += kept.length;
      } catch (cause) {
        error = cause as Error;
        droppedBytes += kept.length;
      }
    }
  } catch {
    // Destroyed: somebody who outlived the program still held it open.
  }
  await file?.close().catch((cause: unknown) => (error ??= cause as Error));
  return { bytes, droppedBytes, ...(error ? { error } : {}) };
}
