import { writeFile } from 'node:fs/promises';
import { BenchmarkConfig, type BenchmarkSettings } from '../bench/config.ts';
import type { Driver, RunObserver } from '../bench/driver.ts';
import { findDriver } from '../bench/drivers/find.ts';
import type { BenchmarkResult } from '../bench/result.ts';
import { messageOf, UsageError } from '../error.ts';
import type {
  Constraints,
  Measure,
  ParameterName,
  Search,
  SearchAnswer,
  SearchEvent,
} from '../search/contract.ts';
import { errorOfAnswer } from '../search/error.ts';
import type { Stage } from '../stage/stage.ts';
import { gridSearch } from '../search/grid.ts';
import { searchMaxQps } from '../search/max-qps.ts';
import { parameterOf } from '../search/parameter.ts';
import { credentialsOf } from '../valkey/credentials.ts';
import { ServerSettings } from './settings.ts';
import { stageOfTrial } from './stage-of-trial.ts';
import { addressOf, askServer, askThrough, readCliArgs, rethrow } from './wrapper-cli.ts';
import { formatResultsCsv } from './wrapper-csv.ts';
import {
  toSinks,
  type BinarySearchSettings,
  type ConstraintSettings,
  type GridSettings,
  type RangeSettings,
  type WrapperOptions,
  type WrapperSinks,
} from './wrapper-options.ts';
import { OpenStage } from './wrapper-stage.ts';
import { describeEvent, describeResult } from './wrapper-text.ts';

/** Runs that a search takes at most where nothing is said; most need a third of it. */
const MAX_RUNS = 60;

/**
 * Drives benchmarks from a script: one run, a grid, or a search; each run of a search is a stage, so that whoever
 * follows the script's standard error can profile the server in it.
 */
export class ValKeyBenchmarkWrapper {
  readonly #options: WrapperOptions;
  readonly #sinks: WrapperSinks;
  readonly #signal: AbortSignal;

  /** Starts and looks for nothing yet: the benchmark program is looked for when it is first needed. */
  constructor(options: WrapperOptions = {}) {
    this.#options = options;
    this.#sinks = toSinks(options);
    this.#signal = options.signal ?? new AbortController().signal;
  }

  /**
   * One benchmark run.
   * @param operation instead of the configuration's.
   * @throws {BinaryNotFoundError} when the program that was asked for is not there.
   * @throws {UsageError} for a configuration that it cannot run.
   * @throws {BenchmarkError} for a run that failed, or whose figures mean nothing; ParseError for output that is no result.
   */
  async run(config: BenchmarkConfig | BenchmarkSettings, operation?: string): Promise<BenchmarkResult> {
    const wanted = toConfig(operation === undefined ? config : { ...config, operation });
    await using settings = await this.#settingsFor(wanted, []);
    await settings.before(wanted);
    return await this.#run(await this.#findDriver(wanted), wanted);
  }

  /**
   * A stage around work of yours: prints START before it, and END however it ends.
   * @throws {UsageError} unreadable-marker, for a name or tag that a follower would read as something else.
   */
  stage<T>(name: string, work: () => T | Promise<T>): Promise<T>;
  stage<T>(name: string, tag: string | undefined, work: () => T | Promise<T>): Promise<T>;
  /** The same for `using` and `await using`: START now, END when the block is left. */
  stage(name: string, tag?: string): OpenStage;
  stage<T>(
    name: string,
    second?: string | (() => T | Promise<T>),
    third?: () => T | Promise<T>,
  ): Promise<T> | OpenStage {
    const work = typeof second === 'function' ? second : third;
    const tag = typeof second === 'string' && second !== '' ? second : undefined;
    const open = (): OpenStage =>
      new OpenStage(tag === undefined ? { name } : { name, tag }, this.#sinks.markers);
    return work === undefined ? open() : inStage(open, work);
  }

  /**
   * The highest QPS that has the recall, turning one parameter. Which way each parameter moves recall and QPS is known:
   * of ef_search the smallest value with that recall is the answer, of clients the peak of the curve.
   * @throws {InfeasibleError} when no value has it. @throws {UndecidedError} when noise hides whether one has.
   * @throws {SearchError} when runs failed. @throws {UsageError} for a parameter or a range that cannot be.
   */
  binarySearchMaxQps(settings: BinarySearchSettings): Promise<BenchmarkResult> {
    return this.#search(settings, { minRecall: settings.targetRecall });
  }

  /** The same with a limit to p99 latency beside the recall, or instead of it. @throws as binarySearchMaxQps */
  findMaxQpsWithConstraints(settings: ConstraintSettings): Promise<BenchmarkResult> {
    const { minRecall, maxLatencyP99 } = settings;
    return this.#search(settings, {
      ...(minRecall !== undefined && { minRecall }),
      ...(maxLatencyP99 !== undefined && { maxLatencyP99 }),
    });
  }

  /**
   * Runs every combination once.
   * @returns the results in the grid's order, the last parameter turning fastest. A run that failed is not among them:
   *   `onEvent` is told of it.
   * @throws {SearchError} when three runs in a row failed, or nothing could be measured; it holds what was measured.
   * @throws {UsageError} for an unknown parameter, a bad value or an empty grid.
   */
  async gridSearch(settings: GridSettings): Promise<BenchmarkResult[]> {
    const { paramGrid, filterFn = () => true } = settings;
    const base = toConfig(settings.baseConfig);
    const names = Object.keys(paramGrid).map(parameterOf);
    const budget = { maxRuns: Number.MAX_SAFE_INTEGER }; // the grid itself bounds it
    const question = { base, grid: paramGrid, budget, confirmations: 0, signal: this.#signal };
    const answer = await this.#follow(base, names, settings.onEvent, (measure) =>
      gridSearch(question, measure),
    );
    if (answer.state !== 'found') throw errorOfAnswer(answer);
    return answer.trials
      .flatMap(({ outcome }) => (outcome.state === 'measured' ? [outcome.result] : []))
      .filter((result) => filterFn(result));
  }

  /**
   * Asks the server something, through the benchmark's `--cli` mode where it has one (then the reply is as that prints
   * it), else through a client of ours (then it is as valkey-cli prints it into a pipe).
   * @param args the command; `-h HOST` and `-p PORT` may stand before it, as in valkey-cli.
   * @param server where, and as whom; 127.0.0.1:6379 without.
   * @throws {BenchmarkError} error-reply, for an error reply. @throws {UsageError} cli-flag, no-command.
   */
  async cli(args: readonly string[], server: BenchmarkConfig | BenchmarkSettings = {}): Promise<string> {
    const call = readCliArgs(args, toConfig(server));
    const driver = await this.#findDriver(call.config.with({ operation: 'ping' }));
    return driver.name === 'valkey-bench-rs' && driver.binary !== undefined
      ? await askThrough(driver.binary, call, this.#signal)
      : await askServer(call);
  }

  /** Writes one row for each result, whatever was in the file before. @throws {UsageError} csv-file */
  async saveResultsCsv(results: readonly BenchmarkResult[], file: string): Promise<void> {
    try {
      await writeFile(file, formatResultsCsv(results));
    } catch (cause) {
      throw new UsageError(
        'csv-file',
        `Expected a file that results can be written to, got "${file}": ${messageOf(cause)}`,
        { cause },
      );
    }
    this.#sinks.tell(`${results.length} results are in ${file}`);
  }

  async #search(settings: RangeSettings, constraints: Constraints): Promise<BenchmarkResult> {
    const {
      paramName = 'numClients',
      minVal = 1,
      maxVal = 200,
      maxRuns = MAX_RUNS,
      maxTimeMs,
      repeats,
    } = settings;
    const base = toConfig(settings.baseConfig);
    checkConstraints(constraints, base);
    const name = parameterOf(paramName);
    const answer = await this.#follow(base, [name], settings.onEvent, (measure) =>
      searchMaxQps(
        {
          base,
          constraints,
          parameters: [{ name, min: minVal, max: maxVal }],
          budget: { maxRuns, ...(maxTimeMs !== undefined && { maxTimeMs }) },
          signal: this.#signal,
          ...(repeats !== undefined && { repeats }),
        },
        measure,
      ),
    );
    if (answer.state !== 'found') throw errorOfAnswer(answer);
    this.#sinks.tell(`Best: ${describeResult(answer.best.result, [name])}`);
    return answer.best.result;
  }

  /** Runs a search to its answer: each trial a stage, with the server's settings as it wants them, and put back after. */
  async #follow(
    base: BenchmarkConfig,
    names: readonly ParameterName[],
    onEvent: (event: SearchEvent) => void = () => {},
    searchWith: (measure: Measure) => Search,
  ): Promise<SearchAnswer> {
    const driverFor = this.#driverFinder();
    await driverFor(base); // a missing one is no failed trial
    await using settings = await this.#settingsFor(base, names);
    const search = searchWith(async (config) => {
      await settings.before(config);
      const driver = await driverFor(config);
      return await this.#runInStage(driver, config, stageOfTrial(config, names));
    });
    for (;;) {
      const step = await search.next();
      if (step.done) return step.value;
      const text = describeEvent(step.value, names);
      if (text !== undefined) this.#sinks.tell(text);
      onEvent(step.value);
    }
  }

  /** The stage is of its load alone: a run that fails before has none. */
  async #runInStage(driver: Driver, config: BenchmarkConfig, stage: Stage): Promise<BenchmarkResult> {
    let open: OpenStage | undefined;
    try {
      return await this.#run(driver, config, {
        begin: async () => void (open = new OpenStage(stage, this.#sinks.markers)),
        end: () => open?.end(),
      });
    } finally {
      open?.end();
    }
  }

  async #run(
    driver: Driver,
    config: BenchmarkConfig,
    window: Pick<RunObserver, 'begin' | 'end'> = {},
  ): Promise<BenchmarkResult> {
    const { output } = this.#sinks;
    return await driver.run(config, this.#signal, {
      ...window,
      started: (argv) => this.#sinks.tell(`Running: ${argv.join(' ')}`),
      ...(output !== undefined && { output }),
    });
  }

  /** Settings of the server that this configuration, or a trial that turns them, wants; nothing is asked where there are none. */
  async #settingsFor(config: BenchmarkConfig, names: readonly ParameterName[]): Promise<ServerSettings> {
    const opened = ServerSettings.open(
      {
        address: addressOf(config),
        fixed: config.serverConfig,
        tuned: names.flatMap((name) => (name.startsWith('config:') ? [name.slice('config:'.length)] : [])),
        yes: this.#options.allowServerChanges ?? false,
      },
      async () => {}, // a script has no session folder to journal into
    );
    return await opened.catch((error: unknown) => rethrow(error));
  }

  /** By operation: what one program cannot do another one can. */
  #driverFinder(): (config: BenchmarkConfig) => Promise<Driver> {
    const found = new Map<string, Promise<Driver>>();
    return (config) => {
      const driver = found.get(config.operation) ?? this.#findDriver(config);
      found.set(config.operation, driver);
      return driver;
    };
  }

  async #findDriver(config: BenchmarkConfig): Promise<Driver> {
    const { driver, binary } = this.#options;
    if (typeof driver === 'object') return driver;
    const found = await findDriver({
      operation: config.operation,
      config,
      ...(driver !== undefined && { driver }),
      ...(binary !== undefined && { binary }),
    });
    this.#sinks.tell(`Driver: ${found.why}`);
    return found.driver;
  }
}

async function inStage<T>(open: () => OpenStage, work: () => T | Promise<T>): Promise<T> {
  using _ = open();
  return await work();
}

/** Without these checks a slip would cost a whole search, and end as infeasible. */
function checkConstraints({ minRecall, maxLatencyP99 }: Constraints, { operation }: BenchmarkConfig): void {
  if (minRecall !== undefined && !(minRecall >= 0 && minRecall <= 1))
    throw new UsageError('bad-constraint', `Expected a recall from 0 to 1, got ${minRecall}.`);
  if (minRecall !== undefined && operation.trim().toLowerCase() !== 'vec-query')
    throw new UsageError(
      'no-recall',
      `Expected a recall of vec-query only: ${operation} has none. findMaxQpsWithConstraints does without minRecall.`,
    );
  if (maxLatencyP99 !== undefined && !(maxLatencyP99 > 0))
    throw new UsageError('bad-constraint', `Expected maxLatencyP99 to be over 0 ms, got ${maxLatencyP99}.`);
}

/** The password may stand in the environment, as for the servers' own tools. */
function toConfig(settings: BenchmarkConfig | BenchmarkSettings): BenchmarkConfig {
  const config = new BenchmarkConfig(settings);
  const { password } = credentialsOf();
  return config.auth !== undefined || password === undefined ? config : config.with({ auth: password });
}
