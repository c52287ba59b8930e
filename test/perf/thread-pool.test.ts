import { expect, test } from 'vitest';
import { threadPool } from '../../src/perf/thread-pool.ts';

const target = { program: 'valkey-server', pid: 10 };

test.each([
  ['ld-linux-x86-64', 10, 10, 'valkey-server'],
  ['valkey-check-rdb', 10, 10, 'valkey-server'],
  ['ld-linux-x86-64', 10, 12, 'valkey-server'],
  ['io_thd_1', 10, 11, 'io_thd'],
  ['read-worker-3', 10, 11, 'read-worker'],
  ['worker 7', 10, 11, 'worker'],
  ['bio_close_file', 10, 11, 'bio'],
  ['jemalloc_bg_thd', 10, 11, 'jemalloc_bg_thd'],
  ['42', 10, 11, '42'],
  ['redis-rdb-bgsave', 20, 20, 'valkey-server child'],
])('%s (%d/%d) belongs to %s', (comm, pid, tid, pool) => {
  expect(threadPool({ comm, pid, tid }, target, 'ld-linux-x86-64')).toBe(pool);
});
