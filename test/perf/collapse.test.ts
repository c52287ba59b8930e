import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Collapse, type CollapseOptions } from '../../src/perf/collapse.ts';
import { frameNames } from '../../src/perf/collapse-frame.ts';

const folder = new URL('../fixtures/perf/script/', import.meta.url);
const read = (name: string): Buffer => readFileSync(new URL(name, folder));

function collapse(chunks: readonly (Buffer | string)[], options: CollapseOptions = {}): Collapse {
  const text = new Collapse(options);
  for (const chunk of chunks) text.push(Buffer.from(chunk));
  text.end();
  return text;
}

// The expected files were worked out by hand-written rules as the field's reference folder publishes them, apart from
// our code; the reference itself was not run.
for (const name of ['kernel-idle', 'java', 'javascript', 'rust', 'odd']) {
  const input = read(`${name}.txt`);

  test(`folds ${name} by the published rules of the reference`, () => {
    expect(`${collapse([input]).folded().join('\n')}\n`).toBe(read(`${name}.folded`).toString());
  });

  test(`folds ${name} the same however it is cut into chunks`, () => {
    const whole = collapse([input]);
    fc.assert(
      fc.property(fc.array(fc.nat(input.length), { maxLength: 30 }), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), input.length];
        const cut = collapse(at.slice(1).map((end, index) => input.subarray(at[index], end)));
        expect(cut.folded()).toEqual(whole.folded());
        expect(cut.samples).toBe(whole.samples);
        expect(cut.unknownLines).toBe(whole.unknownLines);
      }),
      { numRuns: 60 },
    );
  });
}

test('of several events the first is folded, and the others are counted', () => {
  const odd = collapse([read('odd.txt')]);
  expect(odd.event).toBe('cycles');
  expect(odd.otherSamples).toBe(1);
  expect(odd.unknownLines).toBe(1);
});

test('frames of the kernel and of compiled scripts are marked when asked for', () => {
  expect(collapse([read('kernel-idle.txt')], { annotate: 'kernel' }).folded()).toEqual([
    'kworker/0:1H;kthread_[k];blk_mq_dispatch_rq_list_[k];nvme_queue_rq_[k] 10101010',
    'swapper;start_kernel_[k];rest_init_[k];cpu_idle_[k];default_idle_[k];native_safe_halt_[k] 20202020',
    'swapper;start_secondary_[k];cpu_idle_[k];default_idle_[k];native_safe_halt_[k] 10101010',
  ]);
  const [, , java = ''] = collapse([read('java.txt')], { annotate: 'all' }).folded();
  expect(java).toContain('JavaCalls::call_helper;call_stub_[j];');
  expect(java).toMatch(/PrintStream:::print_\[j\] 1$/);
});

test('roots are threads, pools of threads, processes, or nothing', () => {
  const text = ['valkey-server 10/10', 'io_thd_1 10/11', 'io_thd_2 10/12', 'bio_aof 10/13']
    .map((head, second) => `${head} ${second}.5: 1 cycles: \n\t 1f f (/x)\n\n`)
    .join('');
  const roots = (by: NonNullable<CollapseOptions['by']>): string[] => collapse([text], { by }).folded();
  expect(roots('thread')).toEqual(['bio_aof;f 1', 'io_thd_1;f 1', 'io_thd_2;f 1', 'valkey-server;f 1']);
  expect(roots('pool')).toEqual(['bio;f 1', 'io_thd;f 2', 'valkey-server;f 1']);
  expect(roots('process')).toEqual(['valkey-server;f 4']);
  expect(roots('none')).toEqual(['f 4']);
});

test('only samples of the time that was asked for count', () => {
  const text = [1, 2, 3, 4].map((s) => `x 7 [000] ${s}.250000: 1 cycles: \n\t 1f f${s} (/x)\n\n`).join('');
  expect(collapse([text], { time: { from: 2, to: 3.25 } }).folded()).toEqual(['x;f2 1', 'x;f3 1']);
});

test('a sample without a call graph is its one frame, and needs no empty line', () => {
  const text =
    'a 1 [000] 1.5:  2 cycles:  ffffffff810 idle+0x2 ([kernel.kallsyms])\nb 2 [000] 1.6:  3 cycles:  55d0c0001000 f (/x)\n';
  expect(collapse([text]).folded()).toEqual(['a;idle 1', 'b;f 1']);
});

test('what would break folded stacks is taken out of names', () => {
  const text = 'a;b 1/1 1.5: \n\t 1f f;g\u0001h (/x)\n\n';
  expect(collapse([text]).folded()).toEqual(['a:b;f:g?h 1']);
});

test('a file that was replaced, and an arrow that is a name, are no more than that', () => {
  expect(frameNames('  7f read (/usr/lib/libc.so.6 (deleted))')).toEqual(['read']);
  expect(frameNames('  7f [unknown] (/usr/bin/valkey-server (deleted))')).toEqual(['[valkey-server]']);
  expect(frameNames('  7f Box::operator-> (/x)')).toEqual(['Box::operator->']);
  expect(frameNames('no frame')).toBeUndefined();
});

test('a thread that perf knows nothing of is a thread', () => {
  expect(
    collapse([
      ':-1    -1/-1 [001] 14099.158524:   15 cycles: \n\t 1f do_exit ([kernel.kallsyms])\n\n',
    ]).folded(),
  ).toEqual([':-1;do_exit 15']);
});

test('any bytes at all are read without a throw, and folded into clean lines', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '\n',
      '\n\n',
      '\t',
      'a 1/1 1.5: \n\t 1f ',
      ' (x',
      ')',
      ';',
      '->',
      'b 2 [000] 1.5: 7 cycles: \n',
      '#',
      ' (',
    ),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      for (const line of collapse([pieces.join('')]).folded()) expect(line).toMatch(/^[^\x00-\x1f]+ \d+$/);
    }),
  );
});
