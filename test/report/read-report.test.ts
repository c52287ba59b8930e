import { expect, test } from 'vitest';
import { artifactsOf } from '../../src/report/artifacts.ts';
import { readReport } from '../../src/report/read-report.ts';
import { factOf } from '../../src/report/report.ts';
import { sessionFolder } from './folder.ts';

const started = {
  type: 'session',
  state: 'started',
  folder: '/gone',
  pid: 1,
  startTicks: 1,
  about: { label: 'x' },
};
const spanStart = (span: number, stage: string): object => ({
  type: 'span-start',
  span,
  stage,
  source: 'search',
  watched: true,
});
const spanEnd = (span: number, stage: string): object => ({
  ...spanStart(span, stage),
  type: 'span-end',
  state: 'finished',
  startNs: 0,
  durationMs: 900,
});

test('a session that was cut short is told from its journal alone', async () => {
  await using session = await sessionFolder([
    started,
    spanStart(1, 'get'),
    spanEnd(1, 'get'),
    spanStart(2, 'set:<b>'),
    { type: 'warning', code: 'lost-samples', message: '3 lost', span: 2, hook: 'perf-record' },
  ]);
  const report = await readReport(session.folder);
  expect(report.session).toMatchObject({ state: 'cut-short', label: 'x', lastedMs: 4000 });
  expect(report.spans).toMatchObject([
    { id: 1, stage: 'get', state: 'finished', startMs: 1000, durationMs: 900 },
    { id: 2, stage: 'set:<b>', state: 'open', startMs: 3000, durationMs: 1000 },
  ]);
  expect(report.warnings).toEqual([
    { code: 'lost-samples', message: '3 lost', span: 2, hook: 'perf-record' },
  ]);
  expect(report.answer).toBeNull();
});

test('a trial knows its span, and one that the session ended in stays open', async () => {
  await using session = await sessionFolder([
    started,
    { type: 'trial', state: 'started', trial: 1, purpose: 'bracket', stage: 'get:clients_1', config: {} },
    spanStart(1, 'get:clients_1'),
    spanEnd(1, 'get:clients_1'),
    { type: 'trial', state: 'measured', trial: 1, tookMs: 950, result: { qps: 10 } },
    { type: 'trial', state: 'started', trial: 2, purpose: 'bracket', stage: 'get:clients_2', config: {} },
    spanStart(2, 'get:clients_2'),
    spanEnd(2, 'get:clients_2'),
    { type: 'trial', state: 'failed', trial: 2, tookMs: 5, attempt: 1, code: 'timeout', message: 'hung' },
    { type: 'trial', state: 'started', trial: 3, purpose: 'retry', stage: 'get:clients_2', config: {} },
    { type: 'answer', answer: { state: 'failed' } },
  ]);
  const report = await readReport(session.folder);
  expect(report.trials).toMatchObject([
    { number: 1, state: 'measured', span: 1, result: { qps: 10 } },
    { number: 2, state: 'failed', span: 2, code: 'timeout' },
    { number: 3, state: 'open' },
  ]);
  expect(report.trials[2]).not.toHaveProperty('span');
  expect(report.spans.map(({ trial }) => trial)).toEqual([1, 2]);
  expect(report.answer).toEqual({ state: 'failed' });
});

test('what hooks noted comes from span.json, and a path that leaves the folder does not', async () => {
  const hook = {
    coverage: { state: 'measured', ratio: 0.99 },
    startDelayMs: 2,
    cpuUsPerCommand: 6.5,
    artifacts: [
      { path: 'spans/001-get/host-1/stacks.folded', bytes: 10 },
      { path: '../../etc/passwd', bytes: 10 },
      { path: '/etc/shadow', bytes: 10 },
    ],
  };
  await using session = await sessionFolder([started, spanStart(1, 'get'), spanEnd(1, 'get')], {
    'spans/001-get/span.json': JSON.stringify({ targets: [{ target: 'host-1', hooks: { mine: hook } }] }),
  });
  const { spans } = await readReport(session.folder);
  const span = spans[0]!;
  expect(span.targets[0]!.hooks[0]!.artifacts).toHaveLength(1);
  expect(factOf(span, 'mine', 'cpuUsPerCommand')).toBe(6.5);
  expect(factOf(span, 'mine', 'nothing')).toBeUndefined();
  expect(artifactsOf(span, 'stacks.folded')).toEqual([
    { target: 'host-1', path: 'spans/001-get/host-1/stacks.folded', bytes: 10 },
  ]);
});

test('a span.json that is no such thing counts as absent', async () => {
  await using session = await sessionFolder([started, spanStart(1, 'get'), spanEnd(1, 'get')], {
    'spans/001-get/span.json': '{"targets": [{"target": 7}]}',
  });
  expect((await readReport(session.folder)).spans[0]).not.toHaveProperty('folder');
});
