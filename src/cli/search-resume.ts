import { dirname, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Command } from 'commander';
import type { BenchmarkConfig } from '../bench/config.ts';
import type { Driver } from '../bench/driver.ts';
import { UsageError } from '../error.ts';
import { trialsOf } from '../experiment/trial-data.ts';
import { readStat } from '../restore/stat.ts';
import type { Trial } from '../search/contract.ts';
import { readSession, type ReadSession } from '../session/read.ts';
import { REDACTED, redactArgv } from '../target/redact.ts';
import type { BenchFlags } from './bench-flags.ts';

/** What a session keeps of the command that made it, so that it can go on: session.json and the journal have it. */
export interface ExperimentAbout {
  readonly command: string;
  /** The flags that were given, by their names in the code, without secrets. */
  readonly given: Readonly<Record<string, unknown>>;
  readonly driver: { readonly name: string; readonly version: string };
  readonly [more: string]: unknown;
}

/** Concern this run of the command alone: not kept, and free to differ. */
const OWN = new Set([
  'resume',
  'pass',
  'yes',
  'json',
  'output',
  'events',
  'quiet',
  'verbose',
  'dryRun',
  'outputDir',
]);
/** Kept, but free to differ: how much is run, and what is profiled, changes no question. */
const FREE = new Set([
  ...[
    'maxRuns',
    'maxTime',
    'label',
    'watch',
    'skip',
    'collectPerf',
    'profile',
    'hook',
    'withoutHook',
    'perfScript',
  ],
  ...[
    'serverPid',
    'serverPort',
    'serverName',
    'allServers',
    'container',
    'frequency',
    'callGraph',
    'maxSpan',
  ],
]);
/** The same file, wherever the search goes on. */
const PATHS = new Set(['dataset', 'tlsCaCert', 'tlsCert', 'tlsKey']);

/** The flags that were given on the command line, fit for a session. @param dataset as it was found. */
export function givenFlags(command: Command, dataset: string | undefined): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(command.opts())) {
    if (OWN.has(name) || command.getOptionValueSource(name) !== 'cli') continue;
    if (PATHS.has(name)) given[name] = name === 'dataset' ? (dataset ?? value) : resolve(String(value));
    else if (name === 'binary' && String(value).includes('/')) given[name] = resolve(String(value));
    else given[name] = withoutSecrets(value);
  }
  return given;
}

/** A search that was cut short, and what is known of it. */
export class Past {
  readonly #session: ReadSession;
  readonly #about: ExperimentAbout;

  private constructor(session: ReadSession, about: ExperimentAbout) {
    this.#session = session;
    this.#about = about;
  }

  /** @throws {UsageError} not-a-session; not-a-search, when another command made it; session-running. */
  static async open(folder: string, command: string): Promise<Past> {
    const session = await readSession(folder);
    const started = session.events.find((event) => event.type === 'session' && event.state === 'started');
    if (started?.type !== 'session' || started.state !== 'started') throw notASearch(folder, command);
    const made = started.about['experiment'] as ExperimentAbout | undefined;
    if (made?.command !== command) throw notASearch(folder, command, made?.command);
    if (started.startTicks !== 0 && readStat(started.pid)?.startTicks === started.startTicks)
      throw new UsageError(
        'session-running',
        `${folder} is still being written by stagewatch with PID ${started.pid}: end it first.`,
      );
    return new Past(session, made);
  }

  get folder(): string {
    return resolve(this.#session.folder);
  }

  get given(): ExperimentAbout['given'] {
    return this.#about.given;
  }

  /**
   * The flags of both: what was asked then holds, and may be said again.
   * @throws {UsageError} another-question, for a flag that says something else now.
   */
  flags<Flags extends BenchFlags>(command: Command): Flags {
    const now = command.opts<Flags>();
    const then = this.#about.given;
    const changed: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(now)) {
      if (command.getOptionValueSource(name) !== 'cli') continue;
      const asked = PATHS.has(name) || name === 'binary' ? resolve(String(value)) : withoutSecrets(value);
      const isSame = isDeepStrictEqual(asked, then[name]) || isDeepStrictEqual(value, then[name]);
      if (OWN.has(name) || FREE.has(name) || isSame || this.#isSameDataset(name, value))
        changed[name] = value;
      else throw this.#otherQuestion(name, value);
    }
    for (const [name, value] of Object.entries(then))
      if (changed[name] === undefined && JSON.stringify(value).includes(REDACTED))
        throw new UsageError(
          'secret-not-kept',
          `Expected --${flagOf(name)} again: it held a secret, which a session does not keep.`,
        );
    return { ...now, outputDir: dirname(this.folder), ...then, ...changed };
  }

  /** @throws {UsageError} another-driver: figures of two programs cannot be compared. */
  demandSame({ name, version }: Pick<Driver, 'name' | 'version'>): void {
    const { driver } = this.#about;
    if (driver.name === name && driver.version === version) return;
    throw new UsageError(
      'another-driver',
      `Expected ${driver.version} (${driver.name}), which measured the trials so far, got ${version} (${name}): name it with --binary or --driver.`,
    );
  }

  /** Not those that a search ended with when it had failed: they are what is tried again. */
  trials(base: BenchmarkConfig): Trial[] {
    const trials = trialsOf(this.#session.events, base);
    const answer = this.#session.events.findLast((event) => event.type === 'answer');
    if (answer?.type !== 'answer' || answer.answer['state'] !== 'failed') return trials;
    const lastMeasured = trials.findLastIndex(({ outcome }) => outcome.state === 'measured');
    return trials.slice(0, lastMeasured + 1);
  }

  #isSameDataset(name: string, value: unknown): boolean {
    const then = this.#about.given['dataset'];
    return name === 'dataset' && typeof then === 'string' && sameFile(then, resolve(String(value)));
  }

  #otherQuestion(name: string, value: unknown): UsageError {
    const then = this.#about.given[name];
    return new UsageError(
      'another-question',
      `Expected --${flagOf(name)} to be ${then === undefined ? 'left out' : textOf(then)}, as in the session that is resumed, got ${textOf(value)}.`,
    );
  }
}

function notASearch(folder: string, command: string, made?: string): UsageError {
  return new UsageError(
    'not-a-search',
    `Expected --resume to name a session of stagewatch ${command}, got "${folder}"${made === undefined ? '' : ` of stagewatch ${made}`}.`,
  );
}

/** With or without its ending. */
function sameFile(a: string, b: string): boolean {
  const bare = (path: string): string => path.replace(/\.(?:bin|ya?ml)$/, '');
  return bare(a) === bare(b);
}

function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item));
  return typeof value === 'string' ? redactArgv(value.split(' ')).join(' ') : value;
}

function textOf(value: unknown): string {
  return Array.isArray(value) ? value.join(' and ') : String(value);
}

function flagOf(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
