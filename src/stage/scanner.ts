import { MARKER_OPENING, readMarkers } from './grammar.ts';
import type { Marker } from './marker.ts';

/** A line is scanned so far from its start; what follows is not looked at, so that memory stays flat. */
export const MAX_SCANNED_LINE_BYTES = 65_536;

const LF = 0x0a;
const CR = 0x0d;
const FIRST_CARRY_BYTES = 1_024;
const NONE: readonly Marker[] = [];

/**
 * Finds markers in a stream of bytes, however it is cut into chunks. Lines end at LF or CR, and a marker acts when its
 * line ends. Bytes without markers cost a native search and nothing else: no string, no object per line.
 */
export class MarkerScanner {
  /** The beginning of the line that no chunk has ended yet: at most what is scanned of it. */
  #carry: Buffer = Buffer.alloc(0);
  #carried = 0;

  /** @param chunk may be reused by the caller afterwards. */
  scan(chunk: Buffer): readonly Marker[] {
    let from = 0;
    let found = NONE;
    if (this.#carried > 0) {
      const end = lineEnd(chunk, 0);
      this.#keep(chunk, 0, end);
      if (end === chunk.length) return NONE;
      found = this.end();
      from = end + 1;
    }
    const partial = Math.max(from, lastLineEnd(chunk) + 1);
    const more = scanLines(chunk, from, partial);
    this.#keep(chunk, partial, chunk.length);
    return found === NONE ? more : more === NONE ? found : [...found, ...more];
  }

  /** The last line, which no line end closes. The scanner is as new afterwards. */
  end(): readonly Marker[] {
    const line = this.#carry.subarray(0, this.#carried);
    this.#carried = 0;
    const at = line.indexOf(MARKER_OPENING);
    return at < 0 ? NONE : readMarkers(line.subarray(at));
  }

  #keep(chunk: Buffer, from: number, to: number): void {
    const bytes = Math.min(to - from, MAX_SCANNED_LINE_BYTES - this.#carried);
    if (bytes <= 0) return;
    const needed = this.#carried + bytes;
    if (needed > this.#carry.length) this.#grow(needed);
    chunk.copy(this.#carry, this.#carried, from, from + bytes);
    this.#carried = needed;
  }

  /** Doubles: a long line may come byte by byte. Small at first: a thousand followed files have a scanner each. */
  #grow(needed: number): void {
    const wanted = Math.max(needed, 2 * this.#carry.length, FIRST_CARRY_BYTES);
    const grown = Buffer.allocUnsafeSlow(Math.min(wanted, MAX_SCANNED_LINE_BYTES));
    this.#carry.copy(grown, 0, 0, this.#carried);
    this.#carry = grown;
  }
}

/** Scans whole lines: the one before `to` is ended. */
function scanLines(chunk: Buffer, from: number, to: number): readonly Marker[] {
  let found: Marker[] | undefined;
  let lower = from;
  let at = chunk.indexOf(MARKER_OPENING, lower);
  while (at >= 0 && at < to) {
    const start = lower + lastLineEnd(chunk.subarray(lower, at)) + 1;
    const end = lineEnd(chunk, at);
    const markers = readMarkers(
      chunk.subarray(at, Math.max(at, Math.min(end, start + MAX_SCANNED_LINE_BYTES))),
    );
    if (found) found.push(...markers);
    else found = markers;
    lower = end + 1;
    at = chunk.indexOf(MARKER_OPENING, lower);
  }
  return found && found.length > 0 ? found : NONE;
}

/** The first line end from `from` on; the length where there is none. */
function lineEnd(bytes: Buffer, from: number): number {
  const lf = bytes.indexOf(LF, from);
  const end = lf < 0 ? bytes.length : lf;
  const cr = bytes.subarray(from, end).indexOf(CR);
  return cr < 0 ? end : from + cr;
}

/** The last line end; -1 where there is none. */
function lastLineEnd(bytes: Buffer): number {
  const lf = bytes.lastIndexOf(LF);
  const cr = bytes.subarray(lf + 1).lastIndexOf(CR);
  return cr < 0 ? lf : lf + 1 + cr;
}
