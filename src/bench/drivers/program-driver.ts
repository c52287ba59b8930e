import { UsageError } from '../../error.ts';
import type { BenchmarkConfig } from '../config.ts';
import type { Driver, RunObserver } from '../driver.ts';
import { BenchmarkError } from '../error.ts';
import { BenchmarkResult } from '../result.ts';
import { judgeErrors } from './judge/errors.ts';
import { judgeFigures } from './judge/figures.ts';
import { judgeRate } from './judge/rate.ts';
import { judgeRecall } from './judge/recall.ts';
import { judgeRequests } from './judge/requests.ts';
import { LoadWindow } from './load-window.ts';
import { type ProgramRun, runProgram } from './program-run.ts';
import type { Reading } from './reading.ts';
import { isMix } from './settings.ts';
import { noRefusals, type Refusals, type ServerFacts, ServerWatch } from './server-watch.ts';

/** What a program may use of the run that it is part of. */
export interface RunContext {
  readonly facts: ServerFacts;
  readonly watch: ServerWatch;
  /**
   * Starts it, and waits for its end; the server is looked at again afterwards. The whole program is taken for load, but
   * for one that is held.
   */
  exec(argv: readonly string[], how?: ExecOptions): Promise<ProgramRun>;
}

export interface ExecOptions {
  /** For what argument lists must not hold. */
  readonly env?: Readonly<Record<string, string>>;
  /** It was told to say itself when its load may begin, and when it has ended. */
  readonly held?: true;
}

/** What differs from one benchmark program to the next. */
export interface BenchmarkProgram {
  readonly name: string;
  readonly binary?: string;
  readonly version: string;
  /** Each error reply is in its `Reading`; otherwise the server is asked. */
  readonly countsErrors: boolean;
  supports(operation: string): boolean;
  /** Refuses what it cannot do, or would do wrongly without a word. @throws {UsageError} */
  check(config: BenchmarkConfig): void;
  /** What a user would type; secrets are never in it. @throws {UsageError} */
  commandLine(config: BenchmarkConfig): readonly string[];
  /** @throws {BenchmarkError} @throws {ParseError} */
  measure(config: BenchmarkConfig, context: RunContext): Promise<Reading>;
}

/** A driver that can say beforehand whether a configuration is for it. */
export interface ProgramDriver extends Driver {
  /** Why it cannot run this, or undefined. */
  obstacle(config: BenchmarkConfig): UsageError | undefined;
}

/**
 * The part that all drivers share: the server is looked at, the program run, the server looked at again, and the figures
 * judged.
 * @param launchWith words before the program, `['taskset', '-c', '2,3']` say.
 */
export function driverOf(program: BenchmarkProgram, launchWith: readonly string[] = []): ProgramDriver {
  const check = (config: BenchmarkConfig): void => {
    if (!program.supports(config.operation)) throw operationNotSupported(program.name, config.operation);
    program.check(config);
  };
  return {
    name: program.name,
    version: program.version,
    ...(program.binary === undefined ? {} : { binary: program.binary }),
    supports: (operation) => program.supports(operation),
    commandLine: (config) => [...launchWith, ...program.commandLine(config)],
    obstacle(config) {
      try {
        check(config);
        return undefined;
      } catch (error) {
        if (error instanceof UsageError) return error;
        throw error;
      }
    },
    async run(config, signal, observer = {}) {
      check(config);
      await using watch = new ServerWatch(config);
      const facts = await watch.before();
      if (config.cluster === true && facts.isCluster === false)
        throw new BenchmarkError(
          'no-cluster',
          `Expected a cluster at ${watch.where}, but it says cluster_enabled:0. Leave --cluster out.`,
        );
      let refusals = noRefusals;
      const reading = await program.measure(config, {
        facts,
        watch,
        exec: async (argv, how = {}) => {
          const run = await start([...launchWith, ...argv], how, program, config, signal, observer);
          try {
            refusals = await watch.after();
          } catch (error) {
            throw withLastLines(error, run.lastLines);
          }
          return run;
        },
      });
      return judge(program, config, reading, watch, refusals);
    },
  };
}

async function start(
  argv: readonly string[],
  how: ExecOptions,
  program: BenchmarkProgram,
  config: BenchmarkConfig,
  signal: AbortSignal,
  observer: RunObserver,
): Promise<ProgramRun> {
  const secret = config.auth?.reveal();
  const window = new LoadWindow(observer);
  try {
    return await runProgram(argv, {
      ...how,
      name: program.name,
      signal,
      observer,
      window,
      timeoutMs: config.timeoutMs,
      ...(secret === undefined ? {} : { secret }),
    });
  } finally {
    await window.end();
  }
}

async function judge(
  program: BenchmarkProgram,
  config: BenchmarkConfig,
  reading: Reading,
  watch: ServerWatch,
  refusals: Refusals,
): Promise<BenchmarkResult> {
  const errors = judgeErrors(reading, config, program.countsErrors ? noRefusals : refusals);
  judgeFigures(reading, program.name);
  judgeRequests(reading, config);
  await judgeRecall(reading, config, watch, program.name);
  const failed = program.countsErrors ? 0 : errors.reduce((sum, { count }) => sum + count, 0);
  // Programs that take an error reply for an answer count it in their throughput.
  const answered = reading.requests === null ? 1 : Math.max(0, 1 - failed / reading.requests);
  const { name: _, settings, ...figures } = reading;
  return new BenchmarkResult({
    ...figures,
    qps: reading.qps * answered,
    errors,
    config: settings === undefined ? config : config.with(settings),
    timestamp: Date.now() / 1000,
    driver: program.name,
    loop: config.rps === undefined ? 'closed' : 'open',
    warnings: [...reading.warnings, ...judgeRate(reading, config, program.name)],
  });
}

function withLastLines(error: unknown, lastLines: readonly string[]): unknown {
  return error instanceof BenchmarkError && error.lastLines.length === 0
    ? new BenchmarkError(error.code, error.message, { cause: error.cause, lastLines })
    : error;
}

/** What a driver throws for an operation that its program does not have. */
export function operationNotSupported(program: string, operation: string): UsageError {
  const isSeveral = operation.includes(',') && !isMix(operation);
  const hint = isSeveral ? ': a run is of one, so that it has one result; run them one after the other' : '';
  return new UsageError(
    'operation-not-supported',
    `Expected an operation that ${program} can do, got "${operation}"${hint}.`,
  );
}
