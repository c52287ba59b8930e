import type { SourceNotice, SourceSink } from '../../src/source/contract.ts';
import { stageLabel } from '../../src/stage/stage.ts';

/** Keeps what a source tells. */
export class Recorder implements SourceSink {
  /** `start a`, `end a`; those from history with a `(` before and `)` after. */
  readonly markers: string[] = [];
  readonly arrivalsNs: bigint[] = [];
  readonly notices: string[] = [];

  readonly batch: SourceSink['batch'] = ({ markers, atNs, history }) => {
    for (const { kind, stage } of markers) {
      const text = `${kind} ${stageLabel(stage)}`;
      this.markers.push(history ? `(${text})` : text);
      this.arrivalsNs.push(atNs);
    }
  };

  readonly notice = ({ code }: SourceNotice): void => void this.notices.push(code);
}

/** Waits for a condition, up to 10 s: the machine may be busy. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`Expected within 10 s: ${what}`);
    await sleep(2);
  }
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
