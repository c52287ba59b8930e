import { describe, expect, test } from 'vitest';
import { compareSides } from '../../src/compare/comparison.ts';
import { comparisonJunit } from '../../src/compare/junit.ts';
import { comparisonMarkdown } from '../../src/compare/markdown.ts';
import { madePairs, madeRun, madeSide } from './made-side.ts';

const options = { margin: 0.02, seed: 1 };
const four = (ratios: readonly number[]): [number, number][] =>
  ratios.map((ratio, i) => [10 + i, (10 + i) * ratio]);

describe('the judged figure', () => {
  test('is CPU time of a command, and more of it is slower', () => {
    const [stage] = compareSides(
      ...madePairs('cpuUsPerCommand', four([1.1, 1.11, 1.09, 1.1])),
      options,
    ).stages;
    expect(stage).toMatchObject({ verdict: 'slower', unpaired: null });
    expect(stage!.why).toMatch(/^CPU µs\/command \+8\.\d+ % to \+11\.\d+ %: beyond the margin of 2 %$/);
  });

  test('else QPS, and less of it is slower', () => {
    const verdict = (ratio: number): string =>
      compareSides(...madePairs('qps', four([ratio, ratio * 1.001, ratio * 0.999, ratio])), options).verdict;
    expect(verdict(0.9)).toBe('slower');
    expect(verdict(1.1)).toBe('faster');
    expect(verdict(1)).toBe('same');
  });

  test('is never the QPS of requests on schedule', () => {
    const runs = (from: number): ReturnType<typeof madeRun>[] =>
      [0, 2, 4, 6].map((at) => madeRun(at + from, { qps: 1000 }, { openLoop: true }));
    const [stage] = compareSides(
      madeSide('old', [{ runs: runs(0) }]),
      madeSide('new', [{ runs: runs(1) }]),
      options,
    ).stages;
    expect(stage).toMatchObject({ verdict: 'undecided' });
    expect(stage!.why).toContain('on schedule');
    expect(stage!.figures).toMatchObject([{ metric: 'qps', judged: false }]);
  });

  test('comes from the same source on both sides', () => {
    const base = [0, 2, 4].map((at) => madeRun(at, { cpuUsPerCommand: 10, cpuUsPerRequest: 20, qps: 5 }));
    const fresh = [1, 3, 5].map((at) => madeRun(at, { cpuUsPerRequest: 20, qps: 5 }));
    const [stage] = compareSides(
      madeSide('old', [{ runs: base }]),
      madeSide('new', [{ runs: fresh }]),
      options,
    ).stages;
    expect(stage!.verdict).toBe('same');
    expect(stage!.figures.map(({ metric, judged }) => [metric, judged])).toEqual([
      ['cpuUsPerRequest', true],
      ['qps', false],
    ]);
  });
});

test('a server that waits costs no more CPU: that is told, and can be judged', () => {
  const at = (qps: number, from: number): Parameters<typeof madeSide>[1] => [
    {
      runs: [0, 2, 4].map((time) =>
        madeRun(time + from, { cpuUsPerCommand: 10 + time / 1000, qps: qps + time }),
      ),
    },
  ];
  const sides = [madeSide('old', at(1000, 0)), madeSide('new', at(900, 1))] as const;
  const byCpu = compareSides(...sides, options);
  expect(byCpu.verdict).toBe('same');
  expect(byCpu.warnings).toMatchObject([{ code: 'qps-fell' }]);
  const byQps = compareSides(...sides, { ...options, by: 'qps' });
  expect(byQps.verdict).toBe('slower');
  expect(byQps.warnings).toEqual([]);
});

describe('what is not known is not said', () => {
  test('one run a side is undecided, with what helps', () => {
    const { verdict, stages } = compareSides(...madePairs('qps', [[100, 50]]), options);
    expect(verdict).toBe('undecided');
    expect(stages[0]!.why).toContain('stagewatch ab');
  });

  test('an interval across the margin is undecided, with how many more pairs would show "same"', () => {
    const [stage] = compareSides(...madePairs('qps', four([1.1, 0.9, 1.05, 0.95])), options).stages;
    expect(stage!.verdict).toBe('undecided');
    const more = stage!.figures[0]!.change.pairsForSame! - 4;
    expect(more).toBeGreaterThan(10);
    expect(stage!.why).toContain(`${more} more pairs`);
  });

  test('runs that did not alternate are compared without pairs, and that is told', () => {
    const side = (name: string, from: number, ratio: number): ReturnType<typeof madeSide> =>
      madeSide(name, [
        { runs: [1, 1.01, 0.99].map((noise, i) => madeRun(from + i, { qps: 100 * noise * ratio })) },
      ]);
    const [stage] = compareSides(side('old', 0, 1), side('new', 10, 0.8), options).stages;
    expect(stage).toMatchObject({
      verdict: 'slower',
      unpaired: 'the runs of the two sides did not alternate',
    });
    expect(stage!.figures[0]!.change.method).toBe('Welch t on logs');
    // Welch by hand: t(0.975; 4) = 2.776445; the deviation of ln 0.99, 0, ln 1.01 is 0.0100007.
    const half = 2.776445 * 0.0100007 * Math.sqrt(2 / 3);
    expect(stage!.figures[0]!.change.interval![0]).toBeCloseTo(0.8 * Math.exp(-half) - 1, 5);
    expect(stage!.figures[0]!.change.interval![1]).toBeCloseTo(0.8 * Math.exp(half) - 1, 5);
  });

  test('a failed run takes its partner with it, and the other pairs stay pairs', () => {
    const base = [100, 100, 100, 100].map((qps, i) => madeRun(2 * i, { qps }));
    const fresh = [100, 0, 100, 100].map((qps, i) => madeRun(2 * i + 1, qps === 0 ? {} : { qps }));
    const [stage] = compareSides(
      madeSide('old', [{ runs: base }]),
      madeSide('new', [{ runs: fresh }]),
      options,
    ).stages;
    expect(stage).toMatchObject({ unpaired: null, verdict: 'same', runs: { base: 4, new: 3 } });
    expect(stage!.figures[0]!.change.pairs).toBe(3);
  });
});

test('among many stages a chance finding is no verdict, and the count of stages says why', () => {
  const weak = four([1.03, 1.05, 1.04, 1.06]);
  expect(compareSides(...madePairs('cpuUsPerCommand', weak), options).verdict).toBe('slower');
  const quiet = Array.from({ length: 39 }, (_, i) =>
    madePairs('cpuUsPerCommand', four([1, 1.001, 0.999, 1]), `s${i}`),
  );
  const sides = [...quiet, madePairs('cpuUsPerCommand', weak)];
  const all = compareSides(
    madeSide(
      'old',
      sides.flatMap(([base]) => base.stages),
    ),
    madeSide(
      'new',
      sides.flatMap(([, fresh]) => fresh.stages),
    ),
    options,
  );
  const last = all.stages.at(-1)!;
  expect(last.verdict).toBe('undecided');
  expect(last.why).toContain('among so many stages');
  expect(all.stages.slice(0, -1).every(({ verdict }) => verdict === 'same')).toBe(true);
});

test('a run far from the others of its side is shown, and counts', () => {
  const [base, fresh] = madePairs(
    'qps',
    [100, 101, 99, 100, 102, 400].map((qps) => [qps, 100]),
  );
  const [stage] = compareSides(base, fresh, options).stages;
  expect(stage!.outliers).toEqual([{ side: 'base', session: 's', span: 10, value: 400 }]);
  expect(stage!.figures[0]!.change.pairs).toBe(6);
});

test('functions are ranked by what they cost a request: a share alone misleads', () => {
  const at = (cpuUs: number, from: number, folded: string): Parameters<typeof madeSide>[1] => [
    { runs: [0, 2].map((time) => madeRun(time + from, { cpuUsPerCommand: cpuUs })), folded },
  ];
  const [stage] = compareSides(
    madeSide('old', at(10, 0, 'main;read 500\nmain;write 500')),
    madeSide('new', at(20, 1, 'main;read 250\nmain;write 250\nmain;guilty 500')),
    options,
  ).stages;
  // read and write fell to half of the samples, and cost what they did.
  expect(stage!.functions).toEqual([
    { name: 'guilty', baseShare: 0, newShare: 0.5, baseUs: 0, newUs: expect.closeTo(10) },
  ]);
});

test('what makes the sides less than comparable is named', () => {
  const runs = (from: number): ReturnType<typeof madeRun>[] => [madeRun(from, { qps: 1 })];
  const base = madeSide(
    'old',
    [
      { runs: runs(0), hooks: ['threads'], facts: { 'bench.numClients': '10', 'setting.ioThreads': '1' } },
      { stage: 'set' },
    ],
    { 'host.kernel': '6.1', 'server.version': '8.0.1', 'host.cpu': 'x' },
  );
  const fresh = madeSide(
    'new',
    [
      {
        runs: runs(1),
        hooks: ['perf-record', 'threads'],
        facts: { 'bench.numClients': '20', 'setting.ioThreads': '1' },
      },
    ],
    { 'host.kernel': '6.12', 'server.version': '8.1.0' },
  );
  const { warnings } = compareSides(base, fresh, options);
  expect(warnings.map(({ code, message }) => `${code}: ${message}`)).toEqual([
    'other-setup: host.kernel differs: 6.1 against 6.12',
    'other-build: server.version differs: 8.0.1 against 8.1.0',
    'other-setup: bench.numClients differs: 10 against 20',
    'stage-missing: set is in old only: it is not compared',
    expect.stringMatching(/^other-hooks: get: profiled by threads against perf-record, threads/),
  ]);
});

test('sides without a stage in common are a slip', () => {
  expect(() =>
    compareSides(
      ...([madePairs('qps', [[1, 1]], 'a')[0], madePairs('qps', [[1, 1]], 'b')[1]] as const),
      options,
    ),
  ).toThrow('Expected both sides to have a stage in common, got a (old) against b (new)');
});

test('Markdown and JUnit hold hostile names as text', () => {
  const name = 'x|<img src=x>\u0007]]>"&';
  const comparison = compareSides(...madePairs('qps', four([0.5, 0.51, 0.49, 0.5]), name), options);
  const text = comparisonMarkdown(comparison);
  expect(text).toContain('🔴 slower');
  expect(text).not.toContain('<img');
  expect(text).toContain('x\\|&lt;img');
  const xml = comparisonJunit(comparison);
  expect(xml).toContain('failures="1"');
  expect(xml).toContain('name="x|&lt;img src=x&gt;?]]&gt;&quot;&amp;"');
});
