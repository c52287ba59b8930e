import { constants, existsSync } from 'node:fs';
import { access, mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { messageOf, UsageError } from '../error.ts';
import { AppendFile } from './append-file.ts';
import { writeWhole } from './artifact-dir.ts';
import { monotonicNs } from './clock.ts';
import type { SessionEvent } from './events.ts';
import { HeldFolder } from './held-folder.ts';
import { SESSION_FILES, sessionFolderName } from './layout.ts';

/** session.json. */
export interface SessionInfo {
  readonly version: 1;
  readonly startedAt: string;
  readonly [key: string]: unknown;
}

/** The folder of a running session: journal and metrics are appended as things happen. */
export class Session implements AsyncDisposable {
  readonly folder: string;
  /** All that is written below it goes through this. */
  readonly held: HeldFolder;
  readonly startedAt: Date;
  readonly #events: AppendFile;
  readonly #metrics: AppendFile;

  private constructor(held: HeldFolder, startedAt: Date, events: AppendFile, metrics: AppendFile) {
    this.folder = held.path;
    this.held = held;
    this.startedAt = startedAt;
    this.#events = events;
    this.#metrics = metrics;
  }

  /**
   * Makes `<outputDir>/<start time>-<label>/`, private to the user.
   * @param onProblem told when a journal cannot be written (disk full); the session goes on.
   * @throws {UsageError} when the folder cannot be made or written.
   */
  static async create(outputDir: string, label: string, onProblem: (error: Error) => void): Promise<Session> {
    const startedAt = new Date();
    try {
      await makeOutputDir(outputDir);
      const folder = await makeUnique(join(resolve(outputDir), sessionFolderName(startedAt, label)));
      return await Session.#open(folder, startedAt, onProblem);
    } catch (cause) {
      throw cause instanceof UsageError ? cause : badOutputDir(outputDir, cause);
    }
  }

  /** A session that was cut short: what is appended begins on a line of its own. */
  static async reopen(folder: string, onProblem: (error: Error) => void): Promise<Session> {
    const text = await readFile(join(folder, SESSION_FILES.events));
    const session = await Session.#open(folder, new Date(), onProblem);
    if (text.length > 0 && text.at(-1) !== 0x0a) session.#events.append('');
    return session;
  }

  static async #open(folder: string, startedAt: Date, onProblem: (error: Error) => void): Promise<Session> {
    const held = await HeldFolder.open(resolve(folder));
    const append = (name: string): Promise<AppendFile> =>
      AppendFile.open(held.place(join(held.path, name)), onProblem);
    return new Session(
      held,
      startedAt,
      await append(SESSION_FILES.events),
      await append(SESSION_FILES.metrics),
    );
  }

  /** Appends to the journal. @param atNs when it happened, if not now: CLOCK_MONOTONIC, ns. */
  record(event: SessionEvent, atNs: bigint = monotonicNs()): void {
    this.#events.append(JSON.stringify({ t: new Date().toISOString(), monoNs: Number(atNs), ...event }));
  }

  /** Appends to metrics.ndjson. */
  sample(sample: Readonly<Record<string, unknown>>, atNs: bigint = monotonicNs()): void {
    this.#metrics.append(JSON.stringify({ t: new Date().toISOString(), monoNs: Number(atNs), ...sample }));
  }

  async writeInfo(info: Readonly<Record<string, unknown>>): Promise<void> {
    const whole: SessionInfo = { version: 1, startedAt: this.startedAt.toISOString(), ...info };
    await writeWhole(
      this.held.place(join(this.folder, SESSION_FILES.session)),
      `${JSON.stringify(whole, undefined, 2)}\n`,
    );
  }

  async flush(): Promise<void> {
    await Promise.all([this.#events.flush(), this.#metrics.flush()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#events[Symbol.asyncDispose]();
    await this.#metrics[Symbol.asyncDispose]();
    await this.held[Symbol.asyncDispose]();
  }
}

/** Makes the folder of the sessions. @throws {UsageError} when it cannot be made or written. */
export async function makeOutputDir(outputDir: string): Promise<void> {
  try {
    await makeFolders(resolve(outputDir));
    await access(outputDir, constants.W_OK | constants.X_OK);
    if (!(await stat(outputDir)).isDirectory()) throw new Error('it is not a folder');
  } catch (cause) {
    throw badOutputDir(outputDir, cause);
  }
}

function badOutputDir(outputDir: string, cause: unknown): UsageError {
  return new UsageError(
    'output-dir',
    `Expected --output-dir to be a folder that can be written, got "${outputDir}": ${messageOf(cause)}`,
    { cause },
  );
}

/**
 * mkdir -p. Node's own `recursive` never returns where the kernel says ENOENT though the parent is there, as /proc does.
 */
async function makeFolders(path: string): Promise<void> {
  if (existsSync(path)) return;
  await makeFolders(dirname(path));
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error; // somebody else was faster
  });
}

/** Two sessions may begin in the same second. */
async function makeUnique(path: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const candidate = attempt === 1 ? path : `${path}-${attempt}`;
    try {
      await mkdir(candidate, { mode: 0o700 });
      return candidate;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt >= 1000) throw error;
    }
  }
}
