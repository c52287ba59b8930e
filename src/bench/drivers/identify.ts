import { BenchmarkError, BinaryNotFoundError } from '../error.ts';
import { lastLinesOf } from './kept-text.ts';
import { runProgram } from './program-run.ts';

/** Programs that only print what they are are done in milliseconds. */
const answerMs = 10_000;

/** What a binary says that it is. */
export interface IdentifiedBinary {
  readonly path: string;
  /** How it is called and its output read. */
  readonly kind: 'valkey-bench-rs' | 'valkey-benchmark';
  /** As it calls itself: `redis-benchmark`. */
  readonly program: string;
  /** `8.0.1`; `unknown` where it does not say. */
  readonly version: string;
  /** Every option in its help: `--duration`, `-t`. What is not there must not be passed. */
  readonly flags: ReadonlySet<string>;
}

/**
 * Asks a binary what it is, by its --version and --help: a name says little, `VALKEY_BENCHMARK_BIN` may name anything.
 * @throws {BinaryNotFoundError} binary-not-started, not-a-benchmark.
 */
export async function identify(path: string): Promise<IdentifiedBinary> {
  const version = await ask(path, '--version');
  const help = await ask(path, '--help');
  const flags = new Set(help.match(/(?<![\w-])--?[A-Za-z0-9][\w-]*/g));
  const [, program, number] = /^\s*(\S*bench\S*)[ \t]+v?(\d+(?:\.\d+)+\S*)/m.exec(version) ?? [];
  const kind = flags.has('--search-index')
    ? 'valkey-bench-rs'
    : flags.has('--csv') && flags.has('-t')
      ? 'valkey-benchmark'
      : undefined;
  if (kind === undefined)
    throw new BinaryNotFoundError(
      'not-a-benchmark',
      `Expected ${path} to be valkey-bench-rs, valkey-benchmark or redis-benchmark, but its --help has none of their options. It says: "${lastLinesOf(`${version}\n${help}`, Infinity)[0] ?? ''}"`,
    );
  return { path, kind, program: program ?? kind, version: number ?? 'unknown', flags };
}

async function ask(path: string, flag: string): Promise<string> {
  try {
    const { stdout, stderr } = await runProgram([path, flag], {
      name: path,
      timeoutMs: answerMs,
      signal: new AbortController().signal,
    });
    return `${stdout}\n${stderr}`;
  } catch (error) {
    if (!(error instanceof BenchmarkError) || error instanceof BinaryNotFoundError) throw error;
    throw new BinaryNotFoundError(
      'not-a-benchmark',
      `Expected ${path} to be a benchmark program, but it does not answer ${flag}: ${error.message}`,
      { cause: error },
    );
  }
}
