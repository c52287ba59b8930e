import { encodeCommand, type CommandWord } from '../valkey/resp.ts';
import type { Random } from '../stats/random.ts';

export const RAND_INT = '__rand_int__';
export const DATA = '__data__';
export const TAG = '{tag}';
/** Digits of a number in a key, as valkey-benchmark writes it. */
export const NUMBER_DIGITS = 12;

const ZERO = 48;

/** One command in wire form, and where numbers and hash tags go in it. Its length never changes. */
export interface RequestTemplate {
  readonly bytes: Buffer;
  /** Where the 12 digits of each random number begin. */
  readonly numbers: readonly number[];
  /** Where the three letters of each hash tag begin. */
  readonly tags: readonly number[];
}

/**
 * @param keyspace without it `__rand_int__` stays as it is: all requests use one key, as in valkey-benchmark.
 * @param tagged whether `{tag}` stands for a tag; else it stays as it is.
 */
export function makeTemplate(
  words: readonly string[],
  options: {
    readonly data: string;
    readonly keyspace?: number;
    readonly tagged: boolean;
    readonly inline?: true;
  },
): RequestTemplate {
  const filled = words.map((word) => word.replaceAll(DATA, options.data));
  const zeros = (word: string): string =>
    options.keyspace === undefined ? word : word.replaceAll(RAND_INT, '0'.repeat(NUMBER_DIGITS));
  const wire = (list: readonly CommandWord[]): Buffer =>
    options.inline ? Buffer.from(`${list.join(' ')}\r\n`) : encodeCommand(list);
  // The placeholder and its digits are of one length, so places found in one wire form hold for the other.
  const before = wire(filled);
  return {
    bytes: wire(filled.map(zeros)),
    numbers: options.keyspace === undefined ? [] : placesOf(before, RAND_INT),
    tags: options.tagged ? placesOf(before, TAG).map((at) => at + 1) : [],
  };
}

function placesOf(bytes: Buffer, word: string): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(word); at >= 0; at = bytes.indexOf(word, at + word.length)) places.push(at);
  return places;
}

/** Writes the digits of a number whose field holds zeros, or digits of one below `limit`. */
export function writeNumber(bytes: Uint8Array, at: number, value: number, digits: number): void {
  let rest = value;
  let place = at + NUMBER_DIGITS - 1;
  const first = at + NUMBER_DIGITS - digits;
  // Beyond 2^31 the integer operators would wrap.
  for (; rest >= 2 ** 31; place--) {
    const shorter = Math.floor(rest / 10);
    bytes[place] = ZERO + (rest - shorter * 10);
    rest = shorter;
  }
  for (let small = rest | 0; place >= first; place--) {
    const shorter = (small / 10) | 0;
    bytes[place] = ZERO + small - shorter * 10;
    small = shorter;
  }
}

/** The filler that valkey-benchmark uses: letters that do not compress to nothing, the same in every run. */
export function makeData(length: number): string {
  const letters: string[] = [];
  let state = 1234;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) | 0;
    letters.push(String.fromCharCode(ZERO + ((state >>> 16) & 63)));
  }
  return letters.join('');
}

/** How many digits the largest number below `limit` has. */
export function digitsBelow(limit: number): number {
  return String(limit - 1).length;
}

/** New random numbers in each number field of one request that begins at `at`. */
export function randomise(
  bytes: Uint8Array,
  at: number,
  numbers: readonly number[],
  random: Random,
  keyspace: number,
  digits: number,
): void {
  for (let i = 0; i < numbers.length; i++)
    writeNumber(bytes, at + numbers[i]!, random.below(keyspace), digits);
}
