import { statSync } from 'node:fs';
import { messageOf } from '../error.ts';
import { AppearanceWatch } from './appearance.ts';
import { isCode } from './errno.ts';
import { FollowedInode, type InodeNews, type StartAt } from './followed-inode.ts';
import { isOpenForWriting } from './open-writers.ts';

/** Writers keep their descriptor after a rotation: the old file is followed until it was quiet for so long, ms. */
const RETIRED_QUIET_MS = 5_000;
const SLOWEST_CHECK_MS = 60_000;

/** Between two turns of the event loop, bytes: hooks stay prompt while a backlog is read. */
const BYTES_PER_TURN = 1_048_576;

export interface PathEvents {
  news(news: InodeNews): void;
  notice(code: string, message: string): void;
  /** Something happened to the file: call `look`. */
  wake(): void;
}

interface Retired {
  readonly inode: FollowedInode;
  nextCheckMs: number;
  checkAfterMs: number;
}

/**
 * A path and the files that stand behind it over time. A rotated file is read to its end, and while it still grows; the
 * one that took its name is read from its start.
 */
export class FollowedPath {
  readonly #path: string;
  readonly #events: PathEvents;
  #current: FollowedInode | undefined;
  #retired: Retired[] = [];
  #appearance: AppearanceWatch | undefined;
  #toldUnreadable = false;
  #closed = false;

  /** @param path absolute. */
  constructor(path: string, events: PathEvents) {
    this.#path = path;
    this.#events = events;
  }

  /** @throws what open(2) says. */
  open(startAt: StartAt): void {
    this.#current = new FollowedInode(this.#path, startAt, () => this.#events.wake());
    if (!this.#current.isWatched)
      this.#events.notice(
        'polling',
        `No watch is to be had for ${this.#path}: it is looked at every 100 ms.`,
      );
  }

  /**
   * Reads what has come, oldest file first.
   * @returns false when there is more to read: look again on the next turn of the event loop.
   * @throws what read(2) says.
   */
  look(): boolean {
    if (this.#closed) return true;
    for (const { inode } of this.#retired) if (!this.#drain(inode)) return false;
    if (this.#current && !this.#drain(this.#current)) return false;
    this.#dropQuiet();
    return !this.#followName();
  }

  /** Takes what has been written so far, with the last lines, and lets go of the files. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#leaveFolder();
    for (const { inode } of this.#retired) this.#letGo(inode);
    if (this.#current) this.#letGo(this.#current);
  }

  #drain(inode: FollowedInode): boolean {
    for (let left = BYTES_PER_TURN; left > 0;) {
      const news = inode.read();
      if (news.state === 'end') return true;
      if (news.state === 'truncated')
        this.#events.notice(
          'truncated',
          `${this.#path} was truncated or rewritten: it is read from its start again.`,
        );
      this.#events.news(news);
      left -= news.bytes;
    }
    return false;
  }

  /** @returns true when another file stands there than before. */
  #followName(): boolean {
    const stat = this.#stat();
    if (!stat) return this.#watchFolder() && this.#followName();
    if (this.#current?.isSame(stat)) {
      this.#leaveFolder();
      return false;
    }
    return this.#take(stat);
  }

  #take(stat: { dev: number; ino: number }): boolean {
    const before = this.#current;
    const known = this.#retired.findIndex(({ inode }) => inode.isSame(stat));
    try {
      // One that was renamed there and back is not read twice.
      const back = known < 0 ? undefined : this.#retired.splice(known, 1)[0];
      if (back) this.#current = back.inode;
      else this.open('start');
    } catch (error) {
      if (isCode(error, 'ENOENT')) return false;
      if (!this.#toldUnreadable)
        this.#events.notice(
          'unreadable',
          `Cannot read ${this.#path}: ${messageOf(error)}. It is tried again.`,
        );
      this.#toldUnreadable = true;
      return false;
    }
    this.#toldUnreadable = false;
    this.#leaveFolder();
    if (before) {
      const nextCheckMs = performance.now() + RETIRED_QUIET_MS;
      this.#retired.push({ inode: before, nextCheckMs, checkAfterMs: RETIRED_QUIET_MS });
      this.#events.notice('rotated', `Another file stands at ${this.#path}: it is followed from its start.`);
    }
    return true;
  }

  #stat(): { dev: number; ino: number } | undefined {
    try {
      return statSync(this.#path, { throwIfNoEntry: false });
    } catch {
      return undefined; // Its folder is gone, or closed to us, for now.
    }
  }

  /** @returns true when the watch is new: the file may have come before it. */
  #watchFolder(): boolean {
    if (this.#appearance) return false;
    this.#appearance = new AppearanceWatch(this.#path, () => this.#events.wake());
    return true;
  }

  #leaveFolder(): void {
    this.#appearance?.[Symbol.dispose]();
    this.#appearance = undefined;
  }

  #dropQuiet(): void {
    const now = performance.now();
    for (const retired of this.#retired) {
      if (now < Math.max(retired.nextCheckMs, retired.inode.lastGrowthMs + RETIRED_QUIET_MS)) continue;
      retired.checkAfterMs = Math.min(SLOWEST_CHECK_MS, retired.checkAfterMs * 2);
      retired.nextCheckMs = now + retired.checkAfterMs;
      void this.#dropUnwritten(retired);
    }
  }

  async #dropUnwritten(retired: Retired): Promise<void> {
    if (await isOpenForWriting(retired.inode)) return;
    const at = this.#retired.indexOf(retired);
    if (at < 0 || this.#closed) return;
    this.#retired.splice(at, 1);
    this.#letGo(retired.inode);
  }

  #letGo(inode: FollowedInode): void {
    try {
      // Bounded: a writer that outruns us does not keep us.
      for (let turns = 0; turns < 64 && !this.#drain(inode); turns++);
      this.#events.news(inode.lastLine());
    } finally {
      inode.close();
    }
  }
}
