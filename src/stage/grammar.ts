import type { Marker, MarkerAttributes } from './marker.ts';
import { parseStage, type Stage } from './stage.ts';

/** What every marker begins with. */
export const MARKER_OPENING = Buffer.from('[STAGE:');

/** Attributes kept of one marker: its line is untrusted, and may hold 64 KiB of words. */
const MAX_ATTRIBUTES = 32;

const START = Buffer.from('START]');
const END = Buffer.from('END]');
const DURATION = /^\d+(\.\d+)?s$/;

const TAB = 0x09;
const ESCAPE = 0x1b;
const SPACE = 0x20;
const QUOTE = 0x22;
const EQUALS = 0x3d;
const BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const DELETE = 0x7f;

/**
 * All markers of one line, in order. Whatever is not a marker is passed over: a log may hold anything.
 * @param line without its line end; not kept.
 */
export function readMarkers(line: Buffer): Marker[] {
  const found: Marker[] = [];
  let at = line.indexOf(MARKER_OPENING);
  while (at >= 0) {
    const label = findLabel(line, at + MARKER_OPENING.length);
    if (label) {
      const next = line.indexOf(MARKER_OPENING, label.end);
      found.push(readMarker(line, label, next < 0 ? line.length : next));
      at = next;
    } else {
      at = line.indexOf(MARKER_OPENING, at + MARKER_OPENING.length);
    }
  }
  return found;
}

interface Label {
  readonly kind: Marker['kind'];
  readonly stage: Stage;
  /** Where it ends in the line. */
  readonly end: number;
}

function findLabel(line: Buffer, at: number): Label | undefined {
  const kind = startsWith(line, at, START) ? 'start' : startsWith(line, at, END) ? 'end' : undefined;
  if (kind === undefined) return undefined;
  const closed = at + (kind === 'start' ? START.length : END.length);
  let from = closed;
  while (line[from] === SPACE || line[from] === TAB) from++;
  if (from === closed) return undefined;
  const end = wordEnd(line, from, line.length);
  const stage = parseStage(wordText(line, from, end));
  return stage.name === '' ? undefined : { kind, stage, end };
}

function readMarker(line: Buffer, { kind, stage, end }: Label, to: number): Marker {
  const attributes: [string, string][] = [];
  let durationMs: number | undefined;
  for (const [key, value] of attributesIn(line, end, to)) {
    const parsed = kind === 'end' && key === 'duration' ? parseDurationMs(value) : undefined;
    if (parsed !== undefined) durationMs = parsed;
    else if (attributes.length < MAX_ATTRIBUTES) attributes.push([key, value]);
  }
  if (kind === 'start') return { kind, stage, attributes };
  return { kind, stage, attributes, ...(durationMs !== undefined && { durationMs }) };
}

/** The `key=value` words; other words are prose. */
function* attributesIn(line: Buffer, from: number, to: number): Iterable<MarkerAttributes[number]> {
  let at = from;
  while (at < to) {
    const byte = line[at] as number;
    if (byte === QUOTE) return;
    if (byte === ESCAPE) {
      at = skipColour(line, at, to);
    } else if (endsWord(byte)) {
      at++;
    } else {
      const end = wordEnd(line, at, to);
      const equals = line.subarray(at, end).indexOf(EQUALS);
      if (equals > 0) yield [line.toString('utf8', at, at + equals), wordText(line, at + equals + 1, end)];
      at = end;
    }
  }
}

function parseDurationMs(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  // To the microsecond: 1.001 * 1000 alone is 1000.9999999999999.
  const durationMs = Math.round(Number(text.slice(0, -1)) * 1e6) / 1e3;
  return Number.isFinite(durationMs) ? durationMs : undefined;
}

/** Past `ESC [ parameters letter`; past the ESC alone where no colour sequence follows. */
function skipColour(line: Buffer, escape: number, to: number): number {
  let at = escape + 1;
  if (line[at] !== BRACKET) return at;
  at++;
  while (at < to && within(line[at], 0x30, 0x3f)) at++;
  return at < to && within(line[at], 0x40, 0x7e) ? at + 1 : at;
}

function wordEnd(line: Buffer, from: number, to: number): number {
  let end = from;
  while (end < to && !endsWord(line[end] as number)) end++;
  return end;
}

/**
 * The text of a word that ends at `end`. Docker's json-file driver writes the line end of the benchmark as two literal
 * characters before the closing quote: they are not part of the word.
 */
function wordText(line: Buffer, from: number, end: number): string {
  let last = end;
  if (line[end] === QUOTE && endsInEscaped(line, from, last, 'n')) {
    last -= 2;
    if (endsInEscaped(line, from, last, 'r')) last -= 2;
  }
  return line.toString('utf8', from, last);
}

function endsInEscaped(line: Buffer, from: number, end: number, letter: 'n' | 'r'): boolean {
  return end - 2 >= from && line[end - 2] === BACKSLASH && line[end - 1] === letter.charCodeAt(0);
}

/** Blanks, control bytes and `"`. */
function endsWord(byte: number): boolean {
  return byte <= SPACE || byte === QUOTE || byte === DELETE;
}

function startsWith(line: Buffer, at: number, text: Buffer): boolean {
  for (let i = 0; i < text.length; i++) if (line[at + i] !== text[i]) return false;
  return true;
}

function within(byte: number | undefined, low: number, high: number): boolean {
  return byte !== undefined && byte >= low && byte <= high;
}
