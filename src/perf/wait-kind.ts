import { LineTable } from './line-table.ts';

/**
 * What a thread waits for, as far as its stack tells:
 * `preempted` it could run, but another thread had the CPU; `poll` epoll, poll and select, where a server is idle;
 * `lock` a mutex, or a lock of the kernel; `condition` a condition variable or semaphore, where a worker is idle;
 * `io` a disk; `network` a blocking socket; `sleep` a timer; `yield` it gave the CPU away; `other` all else.
 */
export const waitKinds = [
  'preempted',
  'poll',
  'lock',
  'condition',
  'io',
  'network',
  'sleep',
  'yield',
  'other',
] as const;
export type WaitKind = (typeof waitKinds)[number];

/** Functions of the kernel, and of libc where it says more than they do; the innermost match counts. */
const patterns: readonly (readonly [WaitKind, RegExp])[] = [
  [
    'condition',
    /^(_*(GI_+)?pthread_cond_(timed|clock)?wait|__(GI___)?futex_abstimed_wait|__new_sem_(timed|clock)?wait|std::condition_variable)/,
  ],
  ['poll', /^(do_epoll_wait|ep_poll|do_sys_poll|do_poll|do_select|core_sys_select|poll_schedule_timeout)\b/],
  ['lock', /^(futex_|__?futex_|do_futex|rwsem_|down_|__down|__?mutex_lock|rt_mutex|percpu_rwsem)/],
  [
    'io',
    /^(io_schedule|folio_wait|__?folio_lock|wait_on_page|__?lock_page|blk_|submit_bio_wait|bio_wait|rq_qos|jbd2_|ext4_sync|xfs_log_force|xfs_file_fsync|btrfs_sync|do_fsync|vfs_fsync|__wait_on_buffer|balance_dirty_pages|io_cqring_wait|read_events)/,
  ],
  [
    'network',
    /^(sk_wait_data|sk_stream_wait|inet_csk_(accept|wait)|unix_stream_(data_wait|read)|unix_wait_for_peer|tcp_(recvmsg|sendmsg)|__skb_wait)/,
  ],
  ['sleep', /^(do_nanosleep|hrtimer_nanosleep|common_nsleep)/],
  ['yield', /^(do_sched_yield|__x64_sys_sched_yield|__arm64_sys_sched_yield|yield_task)/],
];

const unknown = -1;
const none = -2;

/** Tells the kind of wait of stacks that come as lines of `perf script`, each line read once. */
export class WaitKinds {
  readonly #lines = new LineTable();
  /** By number of the line: an index of patterns, or that it says nothing. */
  readonly #kinds: number[] = [];

  /** @param ends of the frames' lines in `lines`, innermost first. */
  kindOf(lines: Buffer, ends: readonly number[], count: number): WaitKind {
    let found: WaitKind | undefined;
    let from = 0;
    for (let at = 0; at < count; at++) {
      const to = ends[at] as number;
      const pattern = this.#patternOf(lines, from, to);
      from = to;
      if (pattern === none) continue;
      const [kind] = patterns[pattern] as (typeof patterns)[number];
      if (kind === 'condition') {
        // Both are a futex to the kernel: what stands further out decides.
        if (found === undefined || found === 'lock') return kind;
      } else found ??= kind;
    }
    return found ?? 'other';
  }

  #patternOf(lines: Buffer, from: number, to: number): number {
    const line = this.#lines.number(lines, from, to);
    const known = this.#kinds[line] ?? unknown;
    if (known !== unknown) return known;
    const text = lines.toString('utf8', from, to);
    return (this.#kinds[line] = patternOf(text.slice(text.indexOf(' ') + 1)));
  }
}

/** FUTEX_WAIT_BITSET, in which glibc waits for conditions, semaphores and threads; for a mutex it is FUTEX_WAIT. */
const futexWaitBitset = 9;

/**
 * Of a stack of kernel functions alone, innermost first.
 * @param syscall as /proc/PID/syscall has it: its number and arguments, hexadecimal.
 */
export function kernelWaitKind(functions: readonly string[], syscall = ''): WaitKind {
  const operation = Number.parseInt(syscall.split(' ')[2] ?? '', 16) & 0x7f;
  if (functions.includes('do_futex') && operation === futexWaitBitset) return 'condition';
  for (const name of functions) {
    const pattern = patternOf(name);
    if (pattern !== none) return (patterns[pattern] as (typeof patterns)[number])[0];
  }
  return 'other';
}

function patternOf(symbol: string): number {
  const found = patterns.findIndex(([, pattern]) => pattern.test(symbol));
  return found < 0 ? none : found;
}
