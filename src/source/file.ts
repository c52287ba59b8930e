import { accessSync, constants, statSync, type Stats } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { UsageError, messageOf } from '../error.ts';
import { Backstop } from './backstop.ts';
import type { Source, SourceEnd, SourceSink } from './contract.ts';
import { isCode } from './errno.ts';
import { FollowedFifo } from './fifo.ts';
import type { InodeNews } from './followed-inode.ts';
import { FollowedPath } from './followed-path.ts';
import { IdleWatch } from './idle.ts';
import { noticeIfFinished } from './finished-notice.ts';

export interface FileOptions {
  readonly path: string;
  /** Read what stands there already, as history; by default only what comes. */
  readonly fromStart?: boolean;
  /** End when no new bytes came for so long, ms. */
  readonly idleTimeoutMs?: number;
}

/**
 * A followed log: not there yet, rotated by rename, truncated in place, replaced; nothing is lost and nothing comes
 * twice. It ends by `stop` or silence only. A named pipe is read to its end.
 */
export class FileSource implements Source {
  readonly id: string;
  readonly ended: Promise<SourceEnd>;
  readonly #path: string;
  readonly #options: FileOptions;
  #settle: (end: SourceEnd) => void = () => {};
  #state: 'new' | 'following' | 'ended' = 'new';
  #sink: SourceSink = { batch: () => {}, notice: () => {} };
  #followed: FollowedPath | undefined;
  #fifo: FollowedFifo | undefined;
  #backstop: Backstop | undefined;
  #idle: IdleWatch | undefined;
  #turn: NodeJS.Immediate | undefined;

  constructor(options: FileOptions) {
    this.id = options.path;
    this.#path = resolve(options.path);
    this.#options = options;
    this.ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** @throws {UsageError} for a folder, a missing folder, and what cannot be read. */
  check(): void {
    if (!this.#statOnce()) return;
    try {
      accessSync(this.#path, constants.R_OK);
    } catch (error) {
      throw unreadable(this.id, error);
    }
  }

  /** @throws as check. */
  async start(sink: SourceSink): Promise<void> {
    if (this.#state !== 'new') return;
    this.#state = 'following';
    this.#sink = sink;
    try {
      const stat = this.#statOnce();
      if (stat?.isFIFO()) this.#followFifo();
      else this.#followFile(stat);
    } catch (error) {
      this.#end({ state: 'failed', error: error as Error });
      throw error;
    }
    const idle = (): void => this.#end({ state: 'idle' });
    this.#idle = new IdleWatch(this.#options.idleTimeoutMs, () => false, idle);
  }

  stop(): Promise<void> {
    this.#end({ state: 'stopped' });
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** @returns undefined when nothing stands there yet. */
  #statOnce(): Stats | undefined {
    const path = this.id;
    const stat = statIfThere(this.#path);
    if (!stat && !statIfThere(dirname(this.#path))?.isDirectory())
      throw new UsageError(
        'no-such-file',
        `Expected the folder of "${path}" to exist, found none. Is the path right?`,
      );
    if (stat?.isDirectory())
      throw new UsageError(
        'is-a-directory',
        `Expected a log to follow, got the folder "${path}". Name a file in it.`,
      );
    if (stat && !stat.isFile() && !stat.isFIFO())
      throw new UsageError(
        'not-a-file',
        `Expected "${path}" to be a file. Pipe it in: cat "${path}" | stagewatch monitor`,
      );
    return stat;
  }

  #followFile(stat: Stats | undefined): void {
    const followed = new FollowedPath(this.#path, {
      news: (news) => this.#tell(news),
      notice: (code, message) => this.#sink.notice({ code, message }),
      wake: () => this.#look(),
    });
    this.#followed = followed;
    try {
      if (stat) followed.open(this.#options.fromStart ? 'history' : 'end');
    } catch (error) {
      if (!isCode(error, 'ENOENT')) throw unreadable(this.id, error);
    }
    if (!stat)
      this.#sink.notice({
        code: 'waiting-for-file',
        message: `${this.id} is not there yet: waiting for it.`,
      });
    else if (!this.#options.fromStart)
      void noticeIfFinished(this.id, stat, (notice) => {
        if (this.#state === 'following') this.#sink.notice(notice);
      });
    this.#backstop = new Backstop(() => this.#look());
    this.#look();
  }

  #followFifo(): void {
    try {
      this.#fifo = new FollowedFifo(this.#path, {
        news: (news) => this.#tell(news),
        ended: (error) => this.#end(error ? { state: 'failed', error } : { state: 'eof' }),
      });
    } catch (error) {
      throw unreadable(this.id, error);
    }
  }

  #look(): void {
    if (this.#state !== 'following' || this.#turn) return;
    try {
      if (this.#followed?.look() ?? true) return;
    } catch (error) {
      this.#end({ state: 'failed', error: error as Error });
      return;
    }
    this.#turn = setImmediate(() => {
      this.#turn = undefined;
      this.#look();
    });
  }

  #tell({ state, markers, history }: InodeNews): void {
    const atNs = process.hrtime.bigint();
    if (state !== 'end') {
      this.#idle?.touch();
      this.#backstop?.grew();
    }
    if (markers.length > 0) this.#sink.batch({ markers, atNs, history });
  }

  #end(end: SourceEnd): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#backstop?.close();
    this.#idle?.close();
    clearImmediate(this.#turn);
    this.#fifo?.close();
    try {
      this.#followed?.close();
    } catch {
      // Reading on has failed: what was read has been told.
    }
    this.#settle(end);
  }
}

function statIfThere(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    if (isCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw unreadable(path, error);
  }
}

function unreadable(path: string, cause: unknown): UsageError {
  return new UsageError('unreadable', `Expected "${path}" to be readable: ${messageOf(cause)}.`, { cause });
}
