import { type AbRun, halfWidth } from '../experiment/ab-pairs.ts';
import type { AbFlags } from './ab-flags.ts';
import type { LiveLine } from './live-line.ts';
import { writeResult } from './output.ts';
import { tell } from './search-run.ts';
import { printable } from './text.ts';

/** A line for each pair, as it is whole. */
export class AbTelling {
  readonly #flags: AbFlags;
  readonly #live: LiveLine;
  readonly #qps = new Map<string, number>();
  readonly #logRatios: number[] = [];

  constructor(flags: AbFlags, live: LiveLine) {
    this.#flags = flags;
    this.#live = live;
  }

  run({ pair, side, stage, outcome }: AbRun): void {
    if (outcome.state === 'failed') {
      const { code, message } = outcome.error;
      const words = `${stage} of pair ${pair} failed: ${code}: ${printable(message.split('\n', 1)[0]!, 400)}`;
      this.#live.aside(() => writeResult(2, `stagewatch: ${words}\n`));
      return;
    }
    this.#qps.set(`${side}${pair}`, outcome.result.qps);
    const [a, b] = [this.#qps.get(`a${pair}`), this.#qps.get(`b${pair}`)];
    if (a === undefined || b === undefined) return;
    this.#logRatios.push(Math.log(b / a));
    const width = halfWidth(this.#logRatios);
    const known = Number.isFinite(width) ? `, known to ±${(100 * width).toFixed(2)} %` : '';
    const change = `${b < a ? '' : '+'}${(100 * (b / a - 1)).toFixed(2)} %`;
    this.#live.aside(() =>
      tell(
        this.#flags,
        `pair ${pair}: QPS a ${Math.round(a).toLocaleString('en')}, b ${Math.round(b).toLocaleString('en')}, ${change}${known}`,
      ),
    );
  }
}
