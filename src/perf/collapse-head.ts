const blank = 0x20;
const colon = 0x3a;
const minus = 0x2d;
const slash = 0x2f;
const dot = 0x2e;

/** The head of a sample, `V8 WorkerThread 24636/25607 [000] 94564.109216:     100 cycles: `, as bytes of a chunk. */
export class CollapseHead {
  /** `V8 WorkerThread 24636/25607` lies in [from, prefixEnd), the name in [from, commEnd). */
  commEnd = 0;
  prefixEnd = 0;
  /** What a sample stands for, as perf tells it; 1 where it does not. */
  period = 1;
  /** [eventFrom, eventEnd) is the event's name; empty where none is printed. */
  eventFrom = 0;
  eventEnd = 0;

  /** @returns whether the line is one. A name may hold blanks: it ends where a blank, a number and a blank follow. */
  read(chunk: Buffer, from: number, to: number): boolean {
    if (from >= to || isSpace(chunk[from] as number)) return false;
    for (let at = from + 1; at < to; at++) {
      if (!isSpace(chunk[at] as number)) continue;
      let digits = skip(chunk, at, to, isSpace);
      // perf calls a thread that it knows nothing of `:-1`, number -1.
      if (chunk[digits] === minus) digits++;
      let end = skip(chunk, digits, to, isDigit);
      if (end === digits) continue;
      while (end < to && (chunk[end] === slash || (chunk[end] === minus && chunk[end - 1] === slash))) end++;
      end = skip(chunk, end, to, isDigit);
      if (end >= to || !isSpace(chunk[end] as number)) continue;
      this.commEnd = at;
      this.prefixEnd = end;
      this.#readEvent(chunk, end, to);
      return true;
    }
    return false;
  }

  /** When it was taken, s; NaN where that is not printed. */
  seconds(chunk: Buffer, to: number): number {
    for (let at = this.prefixEnd; at < to; at++) {
      if (chunk[at] !== dot) continue;
      const end = skip(chunk, at + 1, to, isDigit);
      if (end === at + 1 || chunk[end] !== colon) continue;
      let start = at;
      while (start > this.prefixEnd && isDigit(chunk[start - 1] as number)) start--;
      return start === at ? Number.NaN : Number(chunk.toString('latin1', start, end));
    }
    return Number.NaN;
  }

  /** From the end: blanks, a colon, the event, blanks, perhaps the period, a colon. */
  #readEvent(chunk: Buffer, from: number, to: number): void {
    this.period = 1;
    this.eventFrom = this.eventEnd = 0;
    let at = to;
    while (at > from && isSpace(chunk[at - 1] as number)) at--;
    if (chunk[at - 1] !== colon) return;
    const eventEnd = at - 1;
    at = eventEnd;
    while (at > from && !isSpace(chunk[at - 1] as number)) at--;
    const eventFrom = at;
    while (at > from && isSpace(chunk[at - 1] as number)) at--;
    if (at === eventFrom || eventFrom === eventEnd) return;
    const periodEnd = at;
    while (at > from && isDigit(chunk[at - 1] as number)) at--;
    const periodFrom = at;
    while (at > from && isSpace(chunk[at - 1] as number)) at--;
    if (chunk[at - 1] !== colon) return;
    this.eventFrom = eventFrom;
    this.eventEnd = eventEnd;
    let period = 0;
    for (let digit = periodFrom; digit < periodEnd; digit++)
      period = period * 10 + (chunk[digit] as number) - 0x30;
    if (period > 0) this.period = period;
  }
}

function skip(chunk: Buffer, from: number, to: number, is: (byte: number) => boolean): number {
  let at = from;
  while (at < to && is(chunk[at] as number)) at++;
  return at;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isSpace(byte: number): boolean {
  return byte === blank || (byte >= 0x09 && byte <= 0x0d);
}
