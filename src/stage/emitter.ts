import { isDeepStrictEqual } from 'node:util';
import { UsageError } from '../error.ts';
import { readMarkers } from './grammar.ts';
import type { Marker, MarkerAttributes } from './marker.ts';
import { MAX_SCANNED_LINE_BYTES } from './scanner.ts';
import { stageLabel, type Stage } from './stage.ts';

/**
 * `[STAGE:START] name:tag`, without line end: print it as a line of its own, and flush.
 * @throws {UsageError} for what would be read back as something else.
 */
export function formatStart(stage: Stage, attributes: MarkerAttributes = []): string {
  const line = `[STAGE:START] ${stageLabel(stage)}${formatAttributes(attributes)}`;
  return checked(line, { kind: 'start', stage, attributes });
}

/**
 * `[STAGE:END] name:tag duration=1.234s`, without line end.
 * @param durationMs printed to the millisecond.
 * @throws {UsageError} for what would be read back as something else.
 */
export function formatEnd(stage: Stage, durationMs: number, attributes: MarkerAttributes = []): string {
  if (!(durationMs >= 0 && Number.isSafeInteger(Math.round(durationMs))))
    throw new UsageError(
      'bad-duration',
      `Expected the duration of a stage in ms, 0 or more, got ${durationMs}.`,
    );
  const wholeMs = Math.round(durationMs);
  const duration = `${Math.floor(wholeMs / 1000)}.${String(wholeMs % 1000).padStart(3, '0')}s`;
  const line = `[STAGE:END] ${stageLabel(stage)} duration=${duration}${formatAttributes(attributes)}`;
  return checked(line, { kind: 'end', stage, attributes, durationMs: wholeMs });
}

function formatAttributes(attributes: MarkerAttributes): string {
  return attributes.map(([key, value]) => ` ${key}=${value}`).join('');
}

/** The grammar itself decides: whatever does not come back as it went is refused. */
function checked(line: string, wanted: Marker): string {
  const bytes = Buffer.from(line);
  if (bytes.length <= MAX_SCANNED_LINE_BYTES && isDeepStrictEqual(readMarkers(bytes), [wanted])) return line;
  const given = JSON.stringify(line.length > 200 ? `${line.slice(0, 200)}...` : line);
  throw new UsageError(
    'unreadable-marker',
    'Expected a stage name and attributes without blanks, control characters and quotes, ' +
      `at most 32 attributes and 64 KiB in all, got ${given}.`,
  );
}
