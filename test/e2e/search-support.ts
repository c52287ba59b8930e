import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cli, fixture, runCli, type Ran } from './support.ts';

/** A point of an answer, as `--json` has it. */
interface PointJson {
  readonly config: Readonly<Record<string, unknown>>;
  readonly result: { readonly qps: number; readonly latencyP99: number; readonly recallAvg: number | null };
}

/** What `--json` prints of a search. */
export interface AnswerJson {
  readonly version: number;
  readonly state: string;
  readonly best: (PointJson & { readonly runs: number }) | null;
  readonly limitedBy: string | null;
  readonly trials: readonly (PointJson & {
    readonly number: number;
    readonly purpose: string;
    readonly state: string;
  })[];
  readonly frontier: readonly unknown[];
  readonly session: string;
}

export function answerOf({ stdout, stderr }: Ran): AnswerJson {
  try {
    return JSON.parse(stdout.toString()) as AnswerJson;
  } catch {
    throw new Error(`no JSON on standard output:\n${stdout.toString()}\n${stderr}`);
  }
}

/** Runs a search to its end, and reads its answer. @param code the exit code that it must have. */
export async function search(args: readonly string[], code = 0): Promise<AnswerJson> {
  const ran = await runCli([...args, '--json']);
  if (ran.code !== code) throw new Error(`ended with ${ran.code}, not ${code}:\n${ran.stderr}`);
  return answerOf(ran);
}

/** What identifies a search's course: every point in its order, and why it was tried. */
export const courseOf = ({ trials }: AnswerJson): string[] =>
  trials.map(({ purpose, config }) => `${purpose} ${String(config['numClients'])}`);

/** A benchmark program whose figures follow from its clients alone, and that notes when it was started. */
export class Curve {
  readonly binary: string;
  readonly #log: string;

  /** @param tookMs how long each run takes. @param held the number of the one that takes a minute, from 1. */
  constructor(folder: string, tookMs: number, held = 0) {
    this.#log = join(folder, 'curve.ndjson');
    this.binary = join(folder, 'curve.sh');
    // Drivers pass on no environment: what the program is to know stands before its arguments.
    const words = [fixture('bench/curve.mjs'), this.#log, String(tookMs), String(held)].map(
      (word) => `'${word}'`,
    );
    writeFileSync(this.binary, `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`);
    chmodSync(this.binary, 0o755);
  }

  get runs(): { clients: number; pid: number; atNs: number }[] {
    if (!existsSync(this.#log)) return [];
    return readFileSync(this.#log, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { clients: number; pid: number; atNs: number });
  }
}

/** As a shell would run it: `stagewatch ... 2>&1 | stagewatch monitor ...`. */
export function shellPipe(first: readonly string[], second: readonly string[]): string[] {
  const words = (args: readonly string[]): string =>
    [process.execPath, cli, ...args].map((word) => `'${word}'`).join(' ');
  return ['-c', `set -o pipefail; ${words(first)} 2>&1 | ${words(second)}`];
}
