import { basename } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { METRICS, type Metric } from '../bench/dataset/metric.ts';
import type { DatasetProgress, WorkOptions } from '../bench/dataset/progress.ts';
import { codeOfSignal } from './exit-code.ts';
import { integer } from './flags.ts';
import { StatusOutput, writeResult } from './output.ts';
import { listenForEnd } from './signals.ts';

/** What the user says that the metric is. */
export function metricOption(description: string): Option {
  return new Option('--metric <metric>', description).choices([...METRICS]);
}

export const threadsOption = new Option(
  '--threads <n>',
  'threads for the ground truth; default: all cores',
).argParser(integer(1, 1024));

export interface WorkFlags {
  readonly threads?: number;
  readonly metric?: Metric;
}

/** A number over 0. */
export function positive(value: string): number {
  const number = Number(value);
  if (!(number > 0 && Number.isFinite(number)))
    throw new InvalidArgumentError(`Expected a number over 0, got "${value}".`);
  return number;
}

/** A name without folders and endings, for an output beside the user. */
export function bareName(path: string): string {
  return basename(path).replace(/\.[a-z0-9]+$/i, '');
}

/**
 * Runs a long piece of work with progress on standard error, and ends it at Ctrl-C with nothing left behind.
 * @returns undefined when it was ended; the exit code is set then.
 */
export async function runWork<T>(
  flags: WorkFlags,
  work: (options: WorkOptions) => Promise<T>,
): Promise<T | undefined> {
  using signals = listenForEnd(() => {});
  using progress = new Progress();
  try {
    return await work({
      ...(flags.threads !== undefined && { threads: flags.threads }),
      signal: signals.stop,
      onProgress: (step) => progress.show(step),
    });
  } catch (error) {
    if (!signals.received) throw error;
    progress.clear();
    writeResult(2, 'stagewatch: ended before it was done; nothing is left behind\n');
    process.exitCode = codeOfSignal(signals.received);
    return undefined;
  }
}

/** On a terminal a line that counts up; elsewhere a line now and then. */
class Progress implements Disposable {
  readonly #out = new StatusOutput(2);
  readonly #isTerminal = process.stderr.isTTY === true;
  #toldAt = performance.now();
  #isShown = false;

  show({ phase, done, of }: DatasetProgress): void {
    const now = performance.now();
    if (now - this.#toldAt < (this.#isTerminal ? 100 : 10_000)) return;
    this.#toldAt = now;
    const line = `${phase} ${Math.floor((100 * done) / of)} % of ${of.toLocaleString('en')} vectors`;
    this.#out.write(this.#isTerminal ? `\r\u001b[K${line}` : `stagewatch: ${line}\n`);
    this.#isShown = true;
  }

  clear(): void {
    if (this.#isShown && this.#isTerminal) this.#out.write('\r\u001b[K');
    this.#isShown = false;
  }

  [Symbol.dispose](): void {
    this.clear();
    this.#out[Symbol.dispose]();
  }
}
