import { median } from '../stats/mean.ts';
import type { Axis } from './axis.ts';
import type { Point, Visit } from './field.ts';
import { safeLog } from './noise.ts';

/** Two neighbouring values between which QPS breaks down: what holds on one side says nothing of the other. */
export interface Cliff {
  /** Index of the axis. */
  readonly axis: number;
  /** The last value that was tried on the side of the best point, and the first on the other. */
  readonly top: number;
  readonly foot: number;
}

/**
 * Beside its peak, throughput falls as 1 / cosh(ln of the ratio of clients) by the universal scalability law without
 * contention, and less with it (Gunther, Guerrilla Capacity Planning, 2007, chapter 4). What falls by so many times
 * more, and beyond so many standard deviations of the noise, is a cliff.
 */
const STEEPEST_FALL = 1.2;
const BEYOND_NOISE = 5;
/** Its top must be within such a share of the best: what lies deeper does not matter. */
const NEAR_BEST = 0.2;

/** The cliffs beside the best points, along axes that are not known to lower QPS anyway. */
export function cliffsOf(visits: readonly Visit[], axes: readonly Axis[], noise: number): Cliff[] {
  return axes.flatMap((axis, index) => {
    if (axis.name === 'efSearch') return [];
    return linesAlong(visits, index).flatMap((line) => {
      const highest = Math.max(...line.map(({ lnQps }) => lnQps));
      return line.slice(1).flatMap((right, i) => {
        const left = line[i]!;
        if (Math.max(left.lnQps, right.lnQps) < highest - NEAR_BEST) return [];
        const gap = axis.position(right.value) - axis.position(left.value);
        const natural = STEEPEST_FALL * Math.log(Math.cosh(gap)) + BEYOND_NOISE * noise;
        if (left.lnQps - right.lnQps > natural) return [{ axis: index, top: left.value, foot: right.value }];
        // So many clients do so many times the work of one, at best: only a steeper rise is a cliff.
        if (right.lnQps - left.lnQps - gap > natural)
          return [{ axis: index, top: right.value, foot: left.value }];
        return [];
      });
    });
  });
}

/**
 * The probability that a point lies on the good side of all cliffs: 1 up to the top, 0 from the foot on, and between
 * them as if the edge could be anywhere.
 */
export function safetyOf(point: Point, cliffs: readonly Cliff[], axes: readonly Axis[]): number {
  return cliffs.reduce((safety, { axis: index, top, foot }) => {
    const axis = axes[index]!;
    const [from, to] = [axis.position(top), axis.position(foot)];
    const share = (axis.position(point[index]!) - from) / (to - from);
    return safety * Math.min(1, Math.max(0, 1 - share));
  }, 1);
}

/** Points that differ in one value alone, by that value. */
function linesAlong(visits: readonly Visit[], index: number): { value: number; lnQps: number }[][] {
  const lines = new Map<string, { value: number; lnQps: number }[]>();
  for (const { point, results } of visits) {
    const key = point.with(index, 0).join(' ');
    const lnQps = median(results.map((result) => safeLog(result.qps)));
    lines.set(key, [...(lines.get(key) ?? []), { value: point[index]!, lnQps }]);
  }
  return [...lines.values()].map((line) => line.toSorted((a, b) => a.value - b.value));
}
