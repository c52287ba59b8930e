import { Frames, type FrameSettings } from './frames.ts';
import { LineTable } from './line-table.ts';
import { Mappings } from './mappings.ts';

const blank = 0x20;
const unknownMeaning = -1;
const perProcessMeaning = -2;

/** Frames by number: what each line that `perf script` prints means is worked out once. */
export class FrameLines {
  readonly mappings = new Mappings();
  /** By number of the frame. */
  readonly names: string[] = [];
  /** By number of the frame: it has no symbol. */
  readonly unresolved: boolean[] = [];
  readonly #frames: Frames;
  readonly #ids = new Map<string, number>();
  readonly #lines = new LineTable();
  /** Lines without their addresses: a function is named once, though each of its instructions is a line. */
  readonly #symbols = new LineTable();
  /** By number of the line: its frame, or that it is another one in each process. */
  readonly #meanings: number[] = [];
  /** By number of the symbol: its frame; undefined where that says too little. */
  readonly #frameOfSymbol: (number | undefined)[] = [];
  /** By process, then by number of the line. */
  readonly #ofProcess = new Map<number, Map<number, number>>();
  #ofGeneration = 0;
  /** The frame that was read last is another one in each process. */
  #isOfProcess = false;

  constructor(settings: Omit<FrameSettings, 'mappings'>) {
    this.#frames = new Frames({ ...settings, mappings: this.mappings });
  }

  /** The number of the frame that the line at [from, to) shows for that process. */
  frame(chunk: Buffer, from: number, to: number, pid: number): number {
    const line = this.#lines.number(chunk, from, to);
    const meaning = this.#meanings[line] ?? unknownMeaning;
    return meaning < 0 ? this.#mean(line, meaning, chunk, from, to, pid) : meaning;
  }

  /** The same for a line that will hardly come again. */
  once(chunk: Buffer, from: number, to: number, pid: number): number {
    let symbolAt = from;
    while (symbolAt < to && chunk[symbolAt] !== blank) symbolAt++;
    const symbol = this.#symbols.number(chunk, symbolAt, to);
    this.#isOfProcess = false;
    return this.#frameOfSymbol[symbol] ?? this.#read(symbol, chunk.toString('utf8', from, to), pid);
  }

  idOf(name: string, unresolved = false): number {
    let id = this.#ids.get(name);
    if (id === undefined) {
      id = this.names.push(name) - 1;
      this.#ids.set(name, id);
      this.unresolved.push(unresolved);
    }
    return id;
  }

  #read(symbol: number, line: string, pid: number): number {
    const { name, unresolved, by } = this.#frames.read(line, pid);
    const frame = this.idOf(name, unresolved);
    if (by === 'symbol') this.#frameOfSymbol[symbol] = frame;
    this.#isOfProcess = by === 'process';
    return frame;
  }

  #mean(line: number, meaning: number, chunk: Buffer, from: number, to: number, pid: number): number {
    if (meaning === unknownMeaning) {
      const frame = this.once(chunk, from, to, pid);
      this.#meanings[line] = this.#isOfProcess ? perProcessMeaning : frame;
      return frame;
    }
    if (this.#ofGeneration !== this.mappings.generation) {
      this.#ofProcess.clear();
      this.#ofGeneration = this.mappings.generation;
    }
    let known = this.#ofProcess.get(pid);
    if (known === undefined) this.#ofProcess.set(pid, (known = new Map()));
    let frame = known.get(line);
    if (frame === undefined) known.set(line, (frame = this.once(chunk, from, to, pid)));
    return frame;
  }
}
