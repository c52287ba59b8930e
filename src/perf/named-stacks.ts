import type { DistinctStacks } from './distinct-stacks.ts';
import type { FrameAnswers } from './frame-answers.ts';
import { PairTable } from './pair-table.ts';

/** Stacks by what their frames are called: of the many addresses of one function one is left, so they are a fifth. */
export class NamedStacks {
  readonly #pairs = new PairTable();
  readonly #groups: FrameAnswers['groups'];
  /** By number of the callers: their frames, innermost first. */
  readonly #callers: (readonly number[])[] = [];
  readonly #named: Int32Array;

  constructor({ stacks, addressesOf }: DistinctStacks, { groups, groupOf }: FrameAnswers) {
    this.#groups = groups;
    const ids = new Map<string, number>();
    const idOf = addressesOf.map((addresses) => {
      const frames = addresses.flatMap((address) => groups[groupOf[address] as number] ?? []);
      const key = frames.join();
      let id = ids.get(key);
      if (id === undefined) ids.set(key, (id = this.#callers.push(frames) - 1));
      return id;
    });
    this.#named = Int32Array.from({ length: stacks.size }, (_, stack) => {
      const leaf = stacks.first(stack);
      return this.#pairs.number(
        leaf < 0 ? -1 : (groupOf[leaf] as number),
        idOf[stacks.second(stack)] as number,
      );
    });
  }

  get size(): number {
    return this.#pairs.size;
  }

  /** @param stack by addresses. @returns its number by names. */
  of(stack: number): number {
    return this.#named[stack] as number;
  }

  /** @param named as `of` has it. @returns innermost first. */
  framesOf(named: number): number[] {
    return [
      ...(this.#groups[this.#pairs.first(named)] ?? []),
      ...(this.#callers[this.#pairs.second(named)] ?? []),
    ];
  }
}
