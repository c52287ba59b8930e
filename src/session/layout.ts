import { join } from 'node:path';
import { stageLabel, type Stage } from '../stage/stage.ts';

/** Names of the files in a session folder. */
export const SESSION_FILES = {
  session: 'session.json',
  events: 'events.ndjson',
  metrics: 'metrics.ndjson',
  spans: 'spans',
  targets: 'targets',
  span: 'span.json',
  target: 'target.json',
  /** One row for each trial. */
  results: 'results.csv',
  /** What a search or another experiment came to. */
  answer: 'results.json',
} as const;

/** Longest part of a folder name that comes from outside, bytes; file systems allow 255. */
const NAME_LIMIT = 80;

/**
 * A name from outside as part of a folder name: letters, digits, `.`, `_` and `-` only, never empty, never hidden,
 * never `..`. Different names may become the same: folders carry the span's number too.
 */
export function safeName(text: string): string {
  const safe = text
    .slice(0, NAME_LIMIT)
    .replaceAll(/[^A-Za-z0-9._-]/g, '_')
    .replace(/^\.+/, '');
  return safe === '' ? '_' : safe;
}

/** `003-vec-query.ef_100`. */
export function spanFolderName(id: number, stage: Stage): string {
  const label = stage.tag === undefined ? stage.name : `${stage.name}.${stage.tag}`;
  return `${String(id).padStart(3, '0')}-${safeName(label === '' ? stageLabel(stage) : label)}`;
}

export function spanFolder(session: string, id: number, stage: Stage): string {
  return join(session, SESSION_FILES.spans, spanFolderName(id, stage));
}

export function targetFolder(session: string, target: string): string {
  return join(session, SESSION_FILES.targets, safeName(target));
}

/** `2026-11-23T04-41-17Z-bench`: sorts by time, and is a legal name everywhere. */
export function sessionFolderName(startedAt: Date, label: string): string {
  const time = startedAt
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(':', '-');
  return `${time}-${safeName(label)}`;
}
