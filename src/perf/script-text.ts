/**
 * Reads what `perf script` prints with the fields below, chunk by chunk: heads of samples, their frames, and events.
 * Its hot path, the frame lines, makes no strings.
 */
export const scriptFields = 'comm,pid,tid,time,ip,sym,dso';

/** The argument list that prints a perf.data as ScriptText reads it. @param switches those of threads too. */
export function scriptCommand(perfData: string, switches = false): string[] {
  const events = ['--show-mmap-events', '--show-task-events', '--show-lost-events'];
  return [
    'perf',
    'script',
    '-i',
    perfData,
    '-F',
    scriptFields,
    '--ns',
    ...events,
    ...(switches ? ['--show-switch-events'] : []),
  ];
}

export interface ScriptReader {
  /** A sample begins. @param comm the thread's name; blanks and all. */
  sample(comm: string, pid: number, tid: number, seconds: number, nanoseconds: number): void;
  /** One frame of it, leaf first: the bytes [from, to) are the line, from its address on. */
  frame(chunk: Buffer, from: number, to: number): void;
  sampleEnd(): void;
  /** @param text what follows the time, `PERF_RECORD_MMAP2 7493/7493: [...]` */
  event(text: string, pid: number, seconds: number, nanoseconds: number, tid: number, comm: string): void;
}

const tab = 0x09;
const newline = 0x0a;
const blank = 0x20;
const colon = 0x3a;
const slash = 0x2f;
const dot = 0x2e;

/** A line longer than this is not one of perf's; it is left out. */
const maximumLine = 1024 * 1024;

const headPattern = /^(.*?)\s+(-?\d+)\/(-?\d+)\s+(?:\[\d+\]\s+)?(\d+)\.(\d{9}):\s*(.*)$/s;
const eventPattern = /^\s*(.*?)\s+(-?\d+)\/(-?\d+)\s+(?:\[\d+\]\s+)?(\d+)\.(\d{9}):\s+(PERF_RECORD_.*)$/s;

export class ScriptText {
  readonly #reader: ScriptReader;
  readonly #head = { comm: '', pid: 0, tid: 0, seconds: 0, nanoseconds: 0, commEnd: 0 };
  #rest: Buffer | undefined;
  #inSample = false;
  /** Lines that are neither; perf prints warnings among them, and names may hold newlines. */
  unknownLines = 0;

  constructor(reader: ScriptReader) {
    this.#reader = reader;
  }

  /** Takes the next bytes; lines may be split anywhere. */
  push(chunk: Buffer): void {
    let from = 0;
    if (this.#rest !== undefined) {
      const end = chunk.indexOf(newline);
      const joined = Buffer.concat([this.#rest, end < 0 ? chunk : chunk.subarray(0, end)]);
      if (end < 0) {
        this.#rest = joined.length > maximumLine ? joined.subarray(0, maximumLine) : joined;
        return;
      }
      this.#rest = undefined;
      this.#line(joined, 0, joined.length);
      from = end + 1;
    }
    for (;;) {
      const end = chunk.indexOf(newline, from);
      if (end < 0) break;
      this.#line(chunk, from, end);
      from = end + 1;
    }
    if (from < chunk.length) this.#rest = Buffer.from(chunk.subarray(from));
  }

  /** Call once, after the last bytes. */
  end(): void {
    if (this.#rest !== undefined) this.#line(this.#rest, 0, this.#rest.length);
    this.#rest = undefined;
    this.#close();
  }

  #line(chunk: Buffer, from: number, to: number): void {
    if (this.#inSample) {
      if (to === from) return this.#close();
      if (chunk[from] === tab) {
        let start = from + 1;
        while (chunk[start] === blank) start++;
        return this.#reader.frame(chunk, start, to);
      }
      // A sample without frames has no blank line after it.
      this.#close();
    }
    if (to === from) return;
    if (this.#readHead(chunk, from, to)) {
      const { comm, pid, tid, seconds, nanoseconds } = this.#head;
      this.#inSample = true;
      return this.#reader.sample(comm, pid, tid, seconds, nanoseconds);
    }
    this.#rare(chunk.toString('utf8', from, Math.min(to, from + maximumLine)));
  }

  #close(): void {
    if (this.#inSample) this.#reader.sampleEnd();
    this.#inSample = false;
  }

  /** `comm  pid/tid  seconds.nanoseconds: `, read from its end, since a name may hold anything. */
  #readHead(chunk: Buffer, from: number, to: number): boolean {
    const head = this.#head;
    let at = to - 1;
    while (at > from && chunk[at] === blank) at--;
    if (chunk[at] !== colon) return false;
    const nanosecondsEnd = at;
    at = digitsStart(chunk, from, at);
    if (nanosecondsEnd - at !== 9 || chunk[at - 1] !== dot) return false;
    head.nanoseconds = numberAt(chunk, at, nanosecondsEnd);
    const secondsEnd = at - 1;
    at = digitsStart(chunk, from, secondsEnd);
    if (at === secondsEnd) return false;
    head.seconds = numberAt(chunk, at, secondsEnd);
    while (at > from && chunk[at - 1] === blank) at--;
    const tidEnd = at;
    at = digitsStart(chunk, from, at);
    if (at === tidEnd || chunk[at - 1] !== slash) return false;
    head.tid = numberAt(chunk, at, tidEnd);
    const pidEnd = at - 1;
    at = digitsStart(chunk, from, pidEnd);
    if (at === pidEnd || chunk[at - 1] !== blank) return false;
    head.pid = numberAt(chunk, at, pidEnd);
    while (at > from && chunk[at - 1] === blank) at--;
    while (chunk[from] === blank && from < at) from++;
    head.comm = chunk.toString('utf8', from, at);
    return true;
  }

  #rare(line: string): void {
    const event = eventPattern.exec(line);
    if (event) {
      const [, comm = '', pid, tid, seconds, nanoseconds, text = ''] = event;
      return this.#reader.event(text, Number(pid), Number(seconds), Number(nanoseconds), Number(tid), comm);
    }
    // Recorded without call graphs: the frame stands in the head's line.
    const alone = headPattern.exec(line);
    if (!alone) {
      this.unknownLines++;
      return;
    }
    const [, comm = '', pid, tid, seconds, nanoseconds, frame = ''] = alone;
    this.#reader.sample(comm, Number(pid), Number(tid), Number(seconds), Number(nanoseconds));
    const bytes = Buffer.from(frame);
    if (bytes.length > 0) this.#reader.frame(bytes, 0, bytes.length);
    this.#reader.sampleEnd();
  }
}

function digitsStart(chunk: Buffer, from: number, end: number): number {
  let at = end;
  while (at > from && isDigit(chunk[at - 1] as number)) at--;
  return at;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function numberAt(chunk: Buffer, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) value = value * 10 + (chunk[at] as number) - 0x30;
  return value;
}
