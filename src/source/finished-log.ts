import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { UsageError, messageOf } from '../error.ts';
import type { Marker } from '../stage/marker.ts';
import { MarkerScanner } from '../stage/scanner.ts';
import { StageTable } from '../stage/table.ts';
import { SpanTracker } from '../stage/tracker.ts';

const READ_BYTES = 1024 * 1024;

/**
 * The stages of finished logs, each file a source of its own. Reads in large pieces: memory does not grow with the log.
 * @throws {UsageError} log-file, when one is not there, is a folder, or cannot be read.
 */
export function scanFinishedLogs(paths: readonly string[]): StageTable {
  const table = new StageTable();
  const tracker = new SpanTracker({ isWatched: () => false });
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  for (const path of paths) {
    const fd = openLog(path);
    try {
      const scanner = new MarkerScanner();
      const take = (markers: readonly Marker[]): void => {
        if (markers.length === 0) return;
        // A finished log has no arrivals: the markers' own durations are all there is.
        for (const event of tracker.accept(path, { markers, atNs: 0n, history: true }, 0)) table.add(event);
      };
      for (let n = readSync(fd, buffer); n > 0; n = readSync(fd, buffer))
        take(scanner.scan(buffer.subarray(0, n)));
      take(scanner.end());
      for (const event of tracker.finish(path, 0n)) table.add(event);
    } finally {
      closeSync(fd);
    }
  }
  return table;
}

function openLog(path: string): number {
  try {
    const fd = openSync(path, 'r');
    if (!fstatSync(fd).isDirectory()) return fd;
    closeSync(fd);
  } catch (cause) {
    throw new UsageError('log-file', `Expected "${path}" to be a log that can be read: ${messageOf(cause)}`, {
      cause,
    });
  }
  throw new UsageError('log-file', `Expected "${path}" to be a log, it is a folder: name the files in it`);
}
