import { isRunning, readStat, readStats } from './stat.ts';

/** A process that we started and all that it started in its group. Signals reach nobody else. */
export class ProcessGroup {
  readonly pid: number;
  /** Of the leader. */
  readonly startTicks: number;
  #reaped = false;

  constructor(pid: number, startTicks: number) {
    this.pid = pid;
    this.startTicks = startTicks;
  }

  /** Until this is called the kernel keeps the leader's PID for it; afterwards it may be another's. */
  leaderReaped(): void {
    this.#reaped = true;
  }

  /** Nobody of the group runs any more. */
  isEmpty(): boolean {
    return this.#reaped && !(this.#exists() && this.#hasMembers());
  }

  /** @returns false when there was nobody to signal. */
  signal(signal: NodeJS.Signals): boolean {
    if (this.#reaped ? this.isEmpty() : readStat(this.pid)?.startTicks !== this.startTicks) return false;
    try {
      return process.kill(-this.pid, signal);
    } catch {
      return false;
    }
  }

  /**
   * The leader has gone. No new process gets its PID while members are there, so whoever has it proves that they
   * are not; and members cannot be older than their leader.
   */
  #hasMembers(): boolean {
    if (readStat(this.pid) !== undefined) return false;
    return readStats().some(
      (stat) =>
        stat.pgrp === this.pid &&
        stat.session === this.pid &&
        stat.startTicks >= this.startTicks &&
        isRunning(stat),
    );
  }

  #exists(): boolean {
    try {
      return process.kill(-this.pid, 0);
    } catch (error) {
      // EPERM: somebody is there who may not be signalled, a set-uid program for one.
      return (error as NodeJS.ErrnoException).code === 'EPERM';
    }
  }
}
