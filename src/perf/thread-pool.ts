/** What a stack's root tells of its thread. */
export interface Thread {
  readonly comm: string;
  readonly pid: number;
  readonly tid: number;
}

export interface ProfiledProcess {
  /** `valkey-server`, whatever its executable is called. */
  readonly program: string;
  readonly pid: number;
}

/**
 * The pool that a thread belongs to, the root of its stacks: the program's name for the main thread (which shows as
 * `ld-linux-x86-64` where a server runs through its own loader), `io_thd` for `io_thd_1`, `bio` for the background
 * threads. Forked children are apart: a BGSAVE child can burn more than its server.
 * @param mainComm what the main thread is called, once it is known: threads that never took a name have it too.
 */
export function threadPool(thread: Thread, target: ProfiledProcess, mainComm?: string): string {
  if (thread.pid !== target.pid) return `${target.program} child`;
  if (thread.tid === target.pid || thread.comm === mainComm) return target.program;
  return poolOfName(thread.comm);
}

/** `io_thd` of `io_thd_1`, `bio` of `bio_aof`. */
export function poolOfName(comm: string): string {
  if (comm.startsWith('bio_')) return 'bio';
  return comm.replace(/[-_ ]?\d+$/, '') || comm;
}
