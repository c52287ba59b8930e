import type { Parameter, ParameterName } from './contract.ts';

/** Values of one parameter that a search may try, and where they lie on a scale of equal ratios. */
export interface Axis {
  readonly name: ParameterName;
  /** Ascending; all of the range, or so many of them that neighbours differ by little. */
  readonly values: readonly number[];
  position(value: number): number;
  /** Half way between the positions of the first and the last. */
  readonly middle: number;
}

/** Neighbours among so many values differ by less than noise shows. */
const MOST_VALUES = 300;

export function axisOf({ name, min, max, step = 1 }: Parameter): Axis {
  // Ratios need numbers from 1: ranges that begin lower are shifted.
  const shift = Math.min(0, min - 1);
  const position = (value: number): number => Math.log(value - shift);
  const count = Math.floor((max - min) / step) + 1;
  if (count <= MOST_VALUES) {
    const values = Array.from({ length: count }, (_, i) => min + i * step);
    return { name, values, position, middle: (position(min) + position(values.at(-1)!)) / 2 };
  }
  const last = min + (count - 1) * step;
  const spread = position(last) - position(min);
  const values = new Set(
    Array.from({ length: MOST_VALUES }, (_, i) => {
      const exact = Math.exp(position(min) + (spread * i) / (MOST_VALUES - 1)) + shift;
      return Math.min(last, min + Math.round((exact - min) / step) * step);
    }),
  );
  return { name, values: [...values], position, middle: (position(min) + position(last)) / 2 };
}

/** The value nearest to a share of the way from the first to the last, by ratio: 0.5 is the geometric middle. */
export function valueAt(axis: Axis, share: number): number {
  const low = axis.position(axis.values[0]!);
  const high = axis.position(axis.values.at(-1)!);
  return nearest(axis, low + share * (high - low));
}

function nearest(axis: Axis, wanted: number): number {
  const distance = (value: number): number => Math.abs(axis.position(value) - wanted);
  return axis.values.reduce((best, value) => (distance(value) < distance(best) ? value : best));
}
