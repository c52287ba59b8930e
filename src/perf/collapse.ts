import { BlockTable } from './block-table.ts';
import { type Annotation, frameNames } from './collapse-frame.ts';
import { CollapseHead } from './collapse-head.ts';
import { LineTable } from './line-table.ts';
import { type RootKind, RootNames } from './root-names.ts';
import { StackTree } from './stack-tree.ts';

export interface CollapseOptions {
  /** Default `thread`, as the field's reference folder does. */
  readonly by?: RootKind;
  readonly annotate?: Annotation | undefined;
  /** Samples from then to then, on perf's clock, s. */
  readonly time?: { readonly from: number; readonly to: number } | undefined;
}

interface Thread {
  readonly comm: string;
  readonly pid: number | undefined;
  readonly isJava: boolean;
  /** Weight by node. */
  readonly stacks: Map<number, number>;
}

const newline = 0x0a;
const separator = Buffer.from('\n\n');
const hash = 0x23;
/** Of callers, every fifth byte is hashed: each line has some, and all are compared. By 3 a tenth slower, by 7 no faster. */
const stride = 5;

/** Of callers that are kept to be known again; beyond it (DWARF stacks, each of its own) they are read line by line. */
const maximumKnownBytes = 64 * 1024 * 1024;
const maximumBlock = 16 * 1024 * 1024;

/**
 * Folds the text of `perf script`, whatever fields it was asked for. Samples stand between empty lines: a stack but
 * for its first line is looked up whole, since callers repeat, so that most of the text is hashed and compared but
 * never taken apart.
 */
export class Collapse {
  /** Lines that are neither head, frame nor comment. */
  unknownLines = 0;
  /** The event that is folded: the first, where there are several. Undefined where none is printed. */
  event: string | undefined;
  /** Samples of other events. */
  otherSamples = 0;
  samples = 0;
  readonly #options: CollapseOptions;
  readonly #roots: RootNames;
  readonly #head = new CollapseHead();
  readonly #prefixes = new LineTable();
  readonly #threads: Thread[] = [];
  readonly #tree = new StackTree();
  readonly #names: string[] = [];
  readonly #ids = new Map<string, number>();
  /** Lines of frames, of Java's and of others', and their meanings: frames outermost first, or no frame at all. */
  readonly #lines = [new LineTable(), new LineTable()] as const;
  readonly #meanings: [(readonly number[] | null)[], (readonly number[] | null)[]] = [[], []];
  readonly #callers = new BlockTable(maximumKnownBytes);
  /** By number of callers: their node; -1 for what is not frames alone. */
  readonly #callerNodes: number[] = [];
  #event: Buffer | undefined;
  #rest: Buffer | undefined;
  // The sample at hand.
  #thread: Thread | undefined;
  #weight = 1;

  constructor(options: CollapseOptions = {}) {
    this.#options = options;
    this.#roots = new RootNames(options.by ?? 'thread');
  }

  /** Takes the next bytes; lines may be split anywhere. */
  push(chunk: Buffer): void {
    let from = 0;
    if (this.#rest !== undefined) {
      const cut = chunk.indexOf(separator);
      from = cut < 0 ? chunk.length : cut + separator.length;
      const joined = Buffer.concat([this.#rest, chunk.subarray(0, from)]);
      this.#rest = undefined;
      this.#blocks(joined, 0);
    }
    this.#blocks(chunk, from);
  }

  /** Call once, after the last bytes. */
  end(): void {
    if (this.#rest !== undefined) this.#block(this.#rest, 0, this.#rest.length);
    this.#rest = undefined;
  }

  /** `swapper;start_kernel;cpu_idle 42` a line, sorted by stack. */
  folded(): string[] {
    const stacks = new Map<string, number>();
    for (const { comm, pid, stacks: own } of this.#threads) {
      const root = this.#roots.of(comm, pid);
      for (const [node, weight] of own) {
        const frames = this.#tree.path(node).map((frame) => this.#names[frame] as string);
        const stack = (root === undefined ? frames : [root, ...frames]).join(';');
        stacks.set(stack, (stacks.get(stack) ?? 0) + weight);
      }
    }
    stacks.delete('');
    return [...stacks].sort(([a], [b]) => (a < b ? -1 : 1)).map(([stack, weight]) => `${stack} ${weight}`);
  }

  #blocks(bytes: Buffer, from: number): void {
    let start = from;
    for (;;) {
      const end = bytes.indexOf(separator, start);
      if (end < 0) break;
      this.#block(bytes, start, end);
      start = end + separator.length;
    }
    if (start === bytes.length) return;
    if (bytes.length - start > maximumBlock) this.#block(bytes, start, bytes.length);
    else this.#rest = Buffer.from(bytes.subarray(start));
  }

  #block(bytes: Buffer, from: number, end: number): void {
    let start = from;
    while (bytes[start] === newline) start++;
    const headEnd = lineEnd(bytes, start, end);
    // Comments and lines that nobody knows stand before heads.
    if (bytes[start] === hash || !this.#readHead(bytes, start, headEnd))
      return this.#slowly(bytes, start, end);
    const leafFrom = Math.min(headEnd + 1, end);
    const leafEnd = lineEnd(bytes, leafFrom, end);
    const callers = this.#nodeOfCallers(bytes, Math.min(leafEnd + 1, end), end);
    const leaf = leafFrom === end ? [] : this.#meaning(bytes, leafFrom, leafEnd);
    if (callers < 0 || leaf === null || leafFrom === end) return this.#slowly(bytes, start, end);
    this.#count(leaf.reduce((node, frame) => this.#tree.child(node, frame), callers));
  }

  #count(node: number): void {
    const thread = this.#thread;
    if (thread === undefined) return;
    this.samples++;
    thread.stacks.set(node, (thread.stacks.get(node) ?? 0) + this.#weight);
  }

  /** Sets the thread of the sample that begins; none for one that is not wanted. @returns whether it is a head. */
  #readHead(bytes: Buffer, from: number, to: number): boolean {
    const head = this.#head;
    if (!head.read(bytes, from, to)) return false;
    this.#thread = undefined;
    this.#weight = head.period;
    if (head.eventEnd > head.eventFrom && !this.#isWantedEvent(bytes)) {
      this.otherSamples++;
      return true;
    }
    const { time } = this.#options;
    if (time !== undefined) {
      const seconds = head.seconds(bytes, to);
      if (!(seconds >= time.from && seconds <= time.to)) return true;
    }
    const prefix = this.#prefixes.number(bytes, from, head.prefixEnd);
    this.#thread = this.#threads[prefix] ??= this.#newThread(bytes, from);
    return true;
  }

  #isWantedEvent(bytes: Buffer): boolean {
    const { eventFrom, eventEnd } = this.#head;
    if (this.#event === undefined) {
      this.#event = Buffer.from(bytes.subarray(eventFrom, eventEnd));
      this.event = this.#event.toString();
    }
    const length = eventEnd - eventFrom;
    return length === this.#event.length && bytes.compare(this.#event, 0, length, eventFrom, eventEnd) === 0;
  }

  #newThread(bytes: Buffer, from: number): Thread {
    const { commEnd, prefixEnd } = this.#head;
    const comm = bytes
      .toString('utf8', from, commEnd)
      .replaceAll(' ', '_')
      .replaceAll(';', ':')
      .replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, '?');
    const [first = '', second] = bytes.toString('latin1', commEnd, prefixEnd).trim().split(/\/+/);
    const pid = second === undefined || second === '' ? undefined : Number(first);
    this.#roots.saw(comm, pid, Number(second));
    return { comm, pid, isJava: comm.startsWith('java'), stacks: new Map() };
  }

  /** @returns -1 where they are not frames alone. */
  #nodeOfCallers(bytes: Buffer, from: number, end: number): number {
    if (from >= end) return 0;
    let hashed = 0x811c9dc5 ^ (end - from);
    for (let at = from; at < end; at += stride)
      hashed = Math.imul(hashed ^ (bytes[at] as number), 0x01000193);
    const known = this.#callers.size;
    const callers = this.#callers.number(bytes, from, end, hashed, this.#thread?.isJava ? 1 : 0);
    if (callers >= 0 && callers < known) return this.#callerNodes[callers] as number;
    const node = this.#readCallers(bytes, from, end);
    if (callers >= 0) this.#callerNodes[callers] = node;
    return node;
  }

  #readCallers(bytes: Buffer, from: number, end: number): number {
    let node = 0;
    for (let to = end; to > from;) {
      const start = Math.max(from, bytes.lastIndexOf(newline, to - 1) + 1);
      const frames = this.#meaning(bytes, start, to);
      if (frames === null) return -1;
      for (const frame of frames) node = this.#tree.child(node, frame);
      to = start - 1;
    }
    return node;
  }

  /** @returns null for a line that is no frame. */
  #meaning(bytes: Buffer, from: number, to: number): readonly number[] | null {
    const isJava = this.#thread?.isJava ?? false;
    const table = isJava ? 1 : 0;
    const line = this.#lines[table].number(bytes, from, to);
    const known = this.#meanings[table][line];
    if (known !== undefined) return known;
    const text = bytes.toString('utf8', from, to);
    const names = /^\s/.test(text)
      ? frameNames(text, { annotate: this.#options.annotate, isJava })
      : undefined;
    return (this.#meanings[table][line] = names?.map((name) => this.#idOf(name)) ?? null);
  }

  #idOf(name: string): number {
    let id = this.#ids.get(name);
    if (id === undefined) {
      id = this.#names.push(name) - 1;
      this.#ids.set(name, id);
    }
    return id;
  }

  /** Line by line: comments, lines that nobody knows, samples without stacks. */
  #slowly(bytes: Buffer, from: number, end: number): void {
    this.#thread = undefined;
    let frames: number[] = [];
    let alone: readonly number[] = [];
    const close = (isEnd: boolean): void => {
      const stack = frames.length > 0 ? frames : alone;
      // A head that another follows at once was none.
      if (this.#thread !== undefined && (isEnd || stack.length > 0))
        this.#count(stack.reduce((node, frame) => this.#tree.child(node, frame), 0));
      this.#thread = undefined;
      frames = [];
      alone = [];
    };
    for (let at = from; at < end;) {
      const to = lineEnd(bytes, at, end);
      const first = bytes[at];
      if (first !== hash && to > at) {
        // A head closes what stood before: without call graphs there are no empty lines.
        if (this.#head.read(bytes, at, to)) {
          close(false);
          this.#readHead(bytes, at, to);
          alone = this.#frameInHead(bytes.toString('utf8', at, to));
        } else {
          const read = this.#meaning(bytes, at, to);
          if (read === null) this.unknownLines++;
          else if (this.#thread !== undefined) frames = [...read, ...frames];
        }
      }
      at = to + 1;
    }
    close(true);
  }

  /** `...: 250000 cpu-clock:  ffffffff810 native_safe_halt ([kernel.kallsyms])`, recorded without call graphs. */
  #frameInHead(line: string): readonly number[] {
    const [, frame] = /:\s+([0-9a-f]{3,16} .+ \(.*\))\s*$/.exec(line) ?? [];
    const bytes = frame === undefined ? undefined : Buffer.from(` ${frame}`);
    return (bytes && this.#meaning(bytes, 0, bytes.length)) ?? [];
  }
}

function lineEnd(bytes: Buffer, from: number, end: number): number {
  const at = bytes.indexOf(newline, from);
  return at < 0 || at > end ? end : at;
}
