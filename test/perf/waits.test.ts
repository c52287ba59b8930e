import { describe, expect, test } from 'vitest';
import type { CapturedThread, SwitchCapture, SwitchSlice } from '../../src/perf/fold-job.ts';
import { Fold } from '../../src/perf/fold.ts';
import { ScriptText } from '../../src/perf/script-text.ts';
import type { SpanTime } from '../../src/perf/spans-at.ts';
import { kernelWaitKind } from '../../src/perf/wait-kind.ts';
import { Waits } from '../../src/perf/waits.ts';

const target = { program: 'valkey-server', pid: 10 };

/** Times are µs of the second 100. */
const ns = (us: number): bigint => 100_000_000_000n + BigInt(Math.round(us * 1_000));
const stamp = (us: number): string => `100.${String(us * 1_000).padStart(9, '0')}`;

const span = (id: number, fromUs: number, toUs: number): SpanTime => ({
  id,
  startNs: ns(fromUs),
  endNs: ns(toUs),
});

function capture(
  fromUs: number,
  toUs: number,
  threads: readonly CapturedThread[] = [],
  slices: readonly SwitchSlice[] = [],
): SwitchCapture {
  const from = String(ns(fromUs));
  return { input: 0, askedNs: from, fromNs: from, readNs: from, toNs: String(ns(toUs)), threads, slices };
}

/** In which the main thread ran for so long, as the scheduler says. */
const slice = (fromUs: number, toUs: number, ranUs?: number): SwitchSlice => ({
  fromNs: String(ns(fromUs)),
  toNs: String(ns(toUs)),
  ranNs: ranUs === undefined ? [] : [[10, ranUs * 1_000]],
});

const sleeper = (tid: number, more: Partial<CapturedThread> = {}): CapturedThread => ({
  tid,
  name: 'bio_aof',
  runNsAtStart: 500,
  runNsAtEnd: 500,
  wasRunning: false,
  kernelStack: ['futex_do_wait', 'do_futex'],
  kind: 'lock',
  ...more,
});

// The stack is taken at the very moment of the switch here, so that times are plain.
const out = (us: number, frames: string[] = ['do_epoll_wait'], how = ''): string =>
  [
    `valkey-server 10/10 ${stamp(us)}: `,
    ...frames.map((frame) => `\tffffffff81000000 ${frame} ([kernel.kallsyms])`),
    '',
    `valkey-server 10/10 ${stamp(us)}: PERF_RECORD_SWITCH OUT ${how}`,
  ].join('\n');
const back = (us: number): string => `valkey-server 10/10 ${stamp(us)}: PERF_RECORD_SWITCH IN         `;

function fold(
  spans: readonly SpanTime[],
  captures: readonly SwitchCapture[],
  lines: readonly string[],
): { folded: string[][]; folding: Fold; waits: Waits } {
  const folding = new Fold({ target, root: undefined, spans });
  const waits = new Waits(target, captures, folding, spans);
  const text = new ScriptText(waits);
  waits.startInput(0);
  // Lines may be cut anywhere.
  const bytes = Buffer.from(`${lines.join('\n')}\n`);
  for (let at = 0; at < bytes.length; at += 37) text.push(bytes.subarray(at, at + 37));
  text.end();
  waits.endInput();
  return { folded: folding.spans.map((of) => [...folding.foldedLines(of, 1_000)]), folding, waits };
}

describe('a wait', () => {
  test('weighs its µs, by kind and stack', () => {
    const { folded, waits } = fold(
      [span(1, 0, 1_000)],
      [capture(0, 1_000)],
      [
        out(100),
        back(250),
        out(300, ['schedule', 'futex_wait']),
        back(310),
        out(400, ['schedule'], 'preempt'),
        back(500),
      ],
    );
    expect(folded[0]).toEqual([
      'valkey-server;[lock];futex_wait;schedule 10',
      'valkey-server;[poll];do_epoll_wait 150',
      'valkey-server;[preempted];schedule 100',
    ]);
    expect(waits).toMatchObject({ told: 3, broken: 0 });
  });

  test('is cut at the edges of spans, however they nest, follow and overlap', () => {
    const spans = [span(1, 0, 1_000), span(2, 200, 400), span(3, 400, 600), span(4, 300, 1_200)];
    const { folded } = fold(spans, [capture(0, 1_200)], [out(100), back(1_100)]);
    expect(folded.map((lines) => Number(lines[0]?.split(' ').at(-1)))).toEqual([900, 200, 200, 800]);
  });

  test('that is not over at the end of the capture is counted until then', () => {
    const { folded } = fold([span(1, 0, 900)], [capture(0, 1_000)], [out(100)]);
    expect(folded[0]).toEqual(['valkey-server;[poll];do_epoll_wait 800']);
  });

  test('that had begun before the capture is counted from its beginning, with what /proc told', () => {
    const main = sleeper(10, {
      name: 'valkey-server',
      kind: 'poll',
      kernelStack: ['do_epoll_wait'],
      runNsAtEnd: 900,
    });
    const { folded } = fold([span(1, 0, 1_000)], [capture(200, 1_000, [main])], [back(500)]);
    expect(folded[0]).toEqual(['valkey-server;[poll];[since before];do_epoll_wait 300']);
  });

  test('that goes on from one capture to the next keeps its stack, if the thread never ran between', () => {
    const main = (runNsAtStart: number, runNsAtEnd: number): CapturedThread =>
      sleeper(10, { name: 'valkey-server', runNsAtStart, runNsAtEnd, kernelStack: [], kind: 'other' });
    const spans = [span(1, 0, 200), span(2, 300, 500), span(3, 600, 800)];
    const captures = (runs: number): SwitchCapture[] => [
      capture(0, 200, [main(1, 5)]),
      capture(300, 500, [main(5, 5)]),
      capture(600, 800, [main(runs, runs + 1)]),
    ];
    const lines = [out(100), back(700)];
    expect(fold(spans, captures(5), lines).folded).toEqual([
      ['valkey-server;[poll];do_epoll_wait 100'],
      ['valkey-server;[poll];do_epoll_wait 200'],
      ['valkey-server;[poll];do_epoll_wait 100'],
    ]);
    expect(fold(spans, captures(6), lines).folded[2]).toEqual(['valkey-server;[other];[since before] 100']);
  });
});

describe('the scheduler says how long a thread ran', () => {
  const polled = (
    slices: readonly SwitchSlice[],
    lines: readonly string[],
    spans = [span(1, 0, 1_000)],
  ): { us: (number | undefined)[]; takenOffUs: number[] } => {
    const { folded, folding } = fold(spans, [capture(0, 1_000, [], slices)], lines);
    return {
      us: folded.map(([line]) => line && Number(line.split(' ').at(-1))) as (number | undefined)[],
      takenOffUs: folding.spans.map(({ takenOff }) => Math.round(takenOff / 1_000)),
    };
  };

  test('its waits are shortened evenly until they fill the rest, and what that takes is told', () => {
    // Noted: 400 µs off. Run: 640 µs, so 360 off: 20 µs from each.
    const lines = [out(100), back(300), out(500), back(700)];
    expect(polled([slice(0, 1_000, 640)], lines)).toEqual({ us: [360], takenOffUs: [40] });
  });

  test('no wait is shortened by more than it lasts: the others bear it', () => {
    const lines = [out(100), back(105), out(300), back(500)];
    // 205 noted, 170 by the scheduler: 5 and 30.
    expect(polled([slice(0, 1_000, 830)], lines)).toEqual({ us: [170], takenOffUs: [35] });
  });

  test('by 50 µs at most, and none is ever longer: a reading may be a tick old', () => {
    const lines = [out(100), back(500)];
    expect(polled([slice(0, 1_000, 900)], lines)).toEqual({ us: [350], takenOffUs: [50] });
    expect(polled([slice(0, 1_000, 100)], lines)).toEqual({ us: [400], takenOffUs: [0] });
  });

  test('each slice for itself; a wait that goes on has its part in each, and is shortened where it ends', () => {
    const lines = [out(100), back(200), out(400), back(600), out(700), back(800)];
    // The first: 200 noted, 190 to be; the second: 200 noted, 160 to be, by two that end there.
    const slices = [slice(0, 500, 310), slice(500, 1_000, 340)];
    expect(polled(slices, lines, [span(1, 0, 450), span(2, 650, 1_000)])).toEqual({
      us: [140, 80],
      takenOffUs: [10, 20],
    });
  });

  test('where it does not, half of perf’s own work at a switch is taken off', () => {
    const leaves = out(100).replace(
      /\n[^\n]*SWITCH OUT/,
      `\nvalkey-server 10/10 ${stamp(110)}: PERF_RECORD_SWITCH OUT`,
    );
    expect(polled([slice(0, 1_000)], [leaves, back(300)])).toEqual({ us: [195], takenOffUs: [5] });
    expect(polled([], [leaves, back(300)])).toEqual({ us: [195], takenOffUs: [5] });
  });
});

describe('a thread', () => {
  test('that slept all along is known from /proc alone; one that ran all along did not wait', () => {
    const threads = [
      sleeper(11),
      sleeper(12, { name: 'io_thd_1', wasRunning: true, runNsAtEnd: 9_000_000, kind: 'preempted' }),
      sleeper(13, { name: 'io_thd_2', runNsAtEnd: null }),
    ];
    const { folded } = fold([span(1, 100, 400)], [capture(0, 500, threads)], [out(120), back(140)]);
    expect(folded[0]).toEqual([
      'bio;[lock];[since before];do_futex;futex_do_wait 300',
      'valkey-server;[poll];do_epoll_wait 20',
    ]);
  });

  test('that begins waits for its first turn; that ends waits no more', () => {
    const lines = [
      `valkey-server 10/10 ${stamp(100)}: PERF_RECORD_FORK(10:14):(10:10)`,
      `io_thd_1 10/14 ${stamp(130)}: PERF_RECORD_SWITCH IN         `,
      `io_thd_1 10/14 ${stamp(200)}: PERF_RECORD_EXIT(10:14):(10:14)`,
    ];
    const { folded } = fold([span(1, 0, 1_000)], [capture(0, 1_000)], lines);
    expect(folded[0]).toEqual(['io_thd;[preempted] 30']);
  });

  test('of a forked child is apart', () => {
    const lines = [
      `valkey-server 10/10 ${stamp(100)}: PERF_RECORD_FORK(20:20):(10:10)`,
      `valkey-server 20/20 ${stamp(150)}: PERF_RECORD_SWITCH IN         `,
    ];
    const { folded } = fold([span(1, 0, 1_000)], [capture(0, 1_000)], lines);
    expect(folded[0]).toEqual(['valkey-server child;[preempted] 50']);
  });
});

test('a wait whose end or beginning perf lost is not made up', () => {
  const lost = fold([span(1, 0, 1_000)], [capture(0, 1_000)], [out(100), out(300), back(350), back(600)]);
  expect(lost.folded[0]).toEqual(['valkey-server;[poll];do_epoll_wait 50']);
  expect(lost.waits.broken).toBe(2);
});

test('what lies outside of captures is nobody’s', () => {
  const { folded } = fold(
    [span(1, 100, 200), span(2, 300, 400)],
    [capture(100, 200), capture(300, 400)],
    [out(50), back(110), out(190), back(320)],
  );
  expect(folded[0]).toEqual(['valkey-server;[poll];do_epoll_wait 20']);
  // Without /proc nobody knows whether it slept between.
  expect(folded[1]).toEqual(['valkey-server;[other];[since before] 20']);
});

test('a capture whose beginning nobody remembers begins with its first record', () => {
  const { fromNs: _, ...capture0 } = capture(0, 1_000);
  const { folded } = fold([span(1, 0, 1_000)], [capture0], [back(300), out(400), back(450)]);
  expect(folded[0]).toEqual(['valkey-server;[poll];do_epoll_wait 50']);
});

test('the kind of a wait in the kernel', () => {
  const futex = ['futex_do_wait', '__futex_wait', 'futex_wait', 'do_futex'];
  expect(kernelWaitKind(futex, '202 0x5631da2efe68 0x189 0x0 0x0')).toBe('condition');
  expect(kernelWaitKind(futex, '202 0x5631da2efb08 0x80 0x2 0x0')).toBe('lock');
  expect(kernelWaitKind(['do_epoll_wait'], '232 0x7 0x9 0x2790')).toBe('poll');
  expect(kernelWaitKind(['hrtimer_nanosleep', 'common_nsleep'])).toBe('sleep');
  expect(kernelWaitKind(['io_schedule', 'folio_wait_bit_common', 'filemap_fault'])).toBe('io');
  expect(kernelWaitKind([])).toBe('other');
});
