import { constants, type Stats } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { SESSION_FILES } from '../session/layout.ts';
import { isSessionStarted, writerOf, type WriterState } from '../session/writer.ts';
import type { JournalLine } from '../session/events.ts';

/** Begins each session's name: the time of its start. */
const sessionName = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-/;
/** More than a first line holds: the command, the hooks and their options, bytes. */
const headBytes = 256 * 1024;
/** More than the last lines of an ended session hold, bytes. */
const tailBytes = 16 * 1024;

export interface FoundSession {
  readonly folder: string;
  /** Of the stagewatch that wrote it. */
  readonly writer: WriterState;
  /** Whether its journal has its end. */
  readonly isEnded: boolean;
  /** On which machine it was written, where it says so. */
  readonly host?: string;
}

/**
 * The sessions in an output folder that are ours to clean: real folders of our own user. Reads the first and the last
 * lines of their journals only. Empty when there is no such folder.
 * @param limit the latest so many.
 */
export async function findSessions(outputDir: string, limit = Infinity): Promise<FoundSession[]> {
  const names = await readdir(outputDir).catch(() => []);
  const latest = names
    .filter((name) => sessionName.test(name))
    .toSorted()
    .toReversed()
    .slice(0, limit);
  const found: FoundSession[] = [];
  // One by one: it runs beside other work, and is in no hurry.
  for (const name of latest) {
    const folder = join(resolve(outputDir), name);
    const session = (await whyNotOurs(folder)) === undefined ? await lookAt(folder) : undefined;
    if (session) found.push(session);
  }
  return found;
}

/**
 * A journal says which processes are ended and what is set: one that somebody else can write is not followed.
 * @returns the reason; undefined when it is our own.
 */
export async function whyNotOurs(folder: string): Promise<string | undefined> {
  const us = process.geteuid?.();
  for (const path of [folder, join(folder, SESSION_FILES.events)]) {
    let stats: Stats;
    try {
      stats = await lstat(path);
    } catch {
      return `${path} is not there`;
    }
    if (stats.isSymbolicLink()) return `${path} is a symbolic link`;
    if (us !== undefined && stats.uid !== us) return `${path} belongs to the user ${stats.uid}, not to ${us}`;
    if ((stats.mode & 0o022) !== 0) return `${path} can be written by others`;
  }
  return undefined;
}

/** Undefined for what has no journal that begins as one. */
export async function lookAt(folder: string): Promise<FoundSession | undefined> {
  try {
    const path = join(folder, SESSION_FILES.events);
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const { size } = await file.stat();
    const head = await readAt(file, 0, Math.min(size, headBytes));
    const started = JSON.parse(head.slice(0, head.indexOf('\n') + 1)) as JournalLine;
    if (!isSessionStarted(started)) return undefined;
    const tail = await readAt(file, Math.max(0, size - tailBytes), Math.min(size, tailBytes));
    const isEnded = /^\{[^\n]*"type":"session","state":"ended"[^\n]*\}$/m.test(tail);
    const { host } = started;
    return { folder, writer: writerOf(started), isEnded, ...(host === undefined ? {} : { host }) };
  } catch {
    return undefined;
  }
}

async function readAt(
  file: {
    read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
  },
  position: number,
  length: number,
): Promise<string> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  return buffer.toString('utf8', 0, bytesRead);
}
