import { readFileSync } from 'node:fs';
import { lastLinesOf } from '../../../src/bench/drivers/kept-text.ts';

/** One recorded run of a real program. */
export interface Recording {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
  readonly lastLines: readonly string[];
  /** What it wrote with `-o`. */
  readonly json: string | undefined;
}

/** @param path `valkey-bench-rs/ping`. */
export function recording(path: string): Recording {
  const read = (ending: string): string =>
    readFileSync(new URL(`../../fixtures/recordings/${path}.${ending}`, import.meta.url), 'utf8');
  const [stdout, stderr] = [read('stdout'), read('stderr')];
  let json: string | undefined;
  try {
    json = read('json');
  } catch {
    json = undefined;
  }
  return {
    stdout,
    stderr,
    exitCode: Number(read('rc')),
    lastLines: lastLinesOf(`${stdout}\n${stderr}`),
    json,
  };
}
