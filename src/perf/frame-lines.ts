import { Frames, type FrameSettings } from './frames.ts';
import { LineTable } from './line-table.ts';
import { Mappings } from './mappings.ts';

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
  /** By number of the line: its frame, or that it is another one in each process. */
  readonly #meanings: number[] = [];
  /** By process, then by number of the line. */
  readonly #ofProcess = new Map<number, Map<number, number>>();
  #ofGeneration = 0;

  constructor(settings: Omit<FrameSettings, 'mappings'>) {
    this.#frames = new Frames({ ...settings, mappings: this.mappings });
  }

  /** The number of the frame that the line at [from, to) shows for that process. */
  frame(chunk: Buffer, from: number, to: number, pid: number): number {
    const line = this.#lines.number(chunk, from, to);
    const meaning = this.#meanings[line] ?? unknownMeaning;
    return meaning < 0 ? this.#mean(line, meaning, chunk.toString('utf8', from, to), pid) : meaning;
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

  #mean(line: number, meaning: number, text: string, pid: number): number {
    if (this.#ofGeneration !== this.mappings.generation) {
      this.#ofProcess.clear();
      this.#ofGeneration = this.mappings.generation;
    }
    let known = this.#ofProcess.get(pid);
    if (known === undefined) this.#ofProcess.set(pid, (known = new Map()));
    if (meaning === perProcessMeaning) {
      const frame = known.get(line);
      if (frame !== undefined) return frame;
    }
    const { name, unresolved, ofProcess } = this.#frames.read(text, pid);
    const frame = this.idOf(name, unresolved);
    this.#meanings[line] = ofProcess ? perProcessMeaning : frame;
    if (ofProcess) known.set(line, frame);
    return frame;
  }
}
