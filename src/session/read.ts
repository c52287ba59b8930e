import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError, messageOf } from '../error.ts';
import { parseStage } from '../stage/stage.ts';
import type { EndedSpan } from '../stage/span.ts';
import type { JournalLine } from './events.ts';
import { SESSION_FILES } from './layout.ts';

/** A session folder, read back; of a crashed session too. */
export interface ReadSession {
  readonly folder: string;
  readonly info: Readonly<Record<string, unknown>>;
  readonly events: readonly JournalLine[];
  /** Lines of the journal that could not be read: a crash may leave one half line. */
  readonly badLines: number;
}

/**
 * @throws {UsageError} not-a-session; newer-session, when it was written by a later version.
 */
export async function readSession(folder: string): Promise<ReadSession> {
  let journal: string;
  let info: Record<string, unknown> = {};
  try {
    if (!(await stat(folder)).isDirectory()) throw new Error('it is not a folder');
    journal = await readFile(join(folder, SESSION_FILES.events), 'utf8');
  } catch (cause) {
    throw new UsageError(
      'not-a-session',
      `Expected "${folder}" to be the folder of a session: ${messageOf(cause)}`,
      { cause },
    );
  }
  try {
    const whole: unknown = JSON.parse(await readFile(join(folder, SESSION_FILES.session), 'utf8'));
    if (typeof whole === 'object' && whole !== null) info = whole as Record<string, unknown>;
  } catch {
    // Cut short before it was whole: the journal says all that is needed.
  }
  if (typeof info['version'] === 'number' && info['version'] > 1)
    throw new UsageError(
      'newer-session',
      `${folder} was written by a newer stagewatch (format ${info['version']}, this one reads 1)`,
    );
  const events: JournalLine[] = [];
  let badLines = 0;
  for (const line of journal.split('\n')) {
    if (line === '') continue;
    const event = parseLine(line);
    if (event) events.push(event);
    else badLines++;
  }
  return { folder, info, events, badLines };
}

/** Undefined for what is no event: half a line, zeros that a power loss left, another program's text. */
function parseLine(line: string): JournalLine | undefined {
  try {
    const event = JSON.parse(line) as Partial<JournalLine> | null;
    if (typeof event?.type !== 'string' || typeof event.t !== 'string') return undefined;
    return Number.isFinite(event.monoNs) ? (event as JournalLine) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * When a session that was cut short really ended: CLOCK_MONOTONIC, ns. The journal's last line may be much older than
 * what perf and the metrics wrote last; their wall clock is put on the journal's own axis.
 */
export async function lastSignOfLife(session: ReadSession): Promise<number> {
  const last = session.events.at(-1);
  if (!last) return 0;
  const folders = await readdir(join(session.folder, SESSION_FILES.targets)).catch(() => []);
  const files = [join(session.folder, SESSION_FILES.metrics)];
  for (const name of folders) {
    const folder = join(session.folder, SESSION_FILES.targets, name);
    files.push(...(await readdir(folder)).map((file) => join(folder, file)));
  }
  const times = await Promise.all(
    files.map((file) =>
      stat(file).then(
        (of) => of.mtimeMs,
        () => 0,
      ),
    ),
  );
  return last.monoNs + Math.max(0, Math.max(...times) - Date.parse(last.t)) * 1e6;
}

/**
 * The watched spans of a journal.
 * @param cutNs where a span ends, unfinished, that was open when the session was cut short.
 */
export function spansOf(session: ReadSession, cutNs: number): EndedSpan[] {
  const ends = new Map<number, JournalLine & { type: 'span-end' }>();
  for (const event of session.events) if (event.type === 'span-end') ends.set(event.span, event);
  const spans: EndedSpan[] = [];
  for (const event of session.events) {
    if (event.type !== 'span-start' || !event.watched) continue;
    const end = ends.get(event.span);
    const endNs = end?.monoNs ?? cutNs;
    spans.push({
      id: event.span,
      stage: parseStage(event.stage),
      source: event.source,
      watched: true,
      history: false,
      startNs: BigInt(Math.round(event.monoNs)),
      startedAt: Date.parse(event.t),
      attributes: event.attributes ?? [],
      state: end?.state ?? 'unfinished',
      endNs: BigInt(Math.round(endNs)),
      durationMs: end?.durationMs ?? (endNs - event.monoNs) / 1e6,
      ...(end?.markerDurationMs === undefined ? {} : { markerDurationMs: end.markerDurationMs }),
      timing:
        end?.late === undefined
          ? { state: 'trusted' }
          : {
              state: 'late',
              reason: end.late,
              ...(end.offByMs === undefined ? {} : { offByMs: end.offByMs }),
            },
    });
  }
  return spans;
}
