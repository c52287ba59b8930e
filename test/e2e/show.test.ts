import { expect, test } from 'vitest';
import { sessionFolder } from '../report/folder.ts';
import { runCli } from './support.ts';

const hostile = 'get:\u001b[31m\u202e<script>';

async function show(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const events = [
    { type: 'session', state: 'started', folder: '/gone', pid: 1, startTicks: 1, about: { label: 'x' } },
    { type: 'trial', state: 'started', trial: 1, purpose: 'bracket', stage: hostile, config: {} },
    { type: 'span-start', span: 1, stage: hostile, source: 'search', watched: true },
    {
      type: 'span-end',
      span: 1,
      stage: hostile,
      source: 'search',
      state: 'finished',
      watched: true,
      startNs: 0,
      durationMs: 1234,
    },
    {
      type: 'trial',
      state: 'measured',
      trial: 1,
      tookMs: 1240,
      result: { qps: 12_345.6, latencyP99: 1.5, recallAvg: 0.9512 },
    },
    {
      type: 'answer',
      answer: {
        state: 'found',
        limitedBy: 'saturation',
        best: {
          config: { operation: 'vec-query', efSearch: 100, numClients: 16 },
          result: { qps: 12_345.6, latencyP99: 1.5, recallAvg: 0.9512 },
          qpsInterval: [12_000, 12_700],
        },
      },
    },
  ];
  const folded = 'main;loop;work 30\nmain;loop 10\n';
  const hook = {
    coverage: { state: 'measured', ratio: 0.991 },
    artifacts: [{ path: 'spans/001-x/t/stacks.folded', bytes: folded.length }],
  };
  const folder = '001-get.__31m__script_';
  await using session = await sessionFolder(events, {
    [`spans/${folder}/span.json`]: JSON.stringify({
      targets: [{ target: 't', hooks: { 'perf-record': hook } }],
    }),
    'spans/001-x/t/stacks.folded': folded,
  });
  const { stdout, code } = await runCli(['show', session.folder, ...args], { env });
  expect(code).toBe(0);
  return stdout.toString();
}

test('a search is shown with its answer, its trials and the functions of its stages', async () => {
  const text = await show([]);
  expect(text).toContain('found');
  expect(text).toContain('12,346 requests/s (12,000 to 12,700), p99 1.500 ms, recall 0.9512');
  expect(text).toContain('operation vec-query, efSearch 100, numClients 16');
  expect(text).toContain('limited by saturation');
  expect(text).toMatch(/work +75\.0 % +75\.0 %/);
  expect(text).toMatch(/loop +25\.0 % +100\.0 %/);
});

test('a search without an answer says why', async () => {
  // As the journal has it: what is not there is null.
  const answer = {
    state: 'infeasible',
    best: null,
    limitedBy: null,
    reason: 'no recall of 0.99',
    nearest: null,
  };
  await using session = await sessionFolder([
    { type: 'session', state: 'started', folder: '/gone', pid: 1, startTicks: 1, about: { label: 'x' } },
    { type: 'answer', answer },
  ]);
  const { stdout } = await runCli(['show', session.folder]);
  expect(stdout.toString()).toContain('infeasible: no recall of 0.99');
});

test('no line is wider than the terminal, and nothing in it steers the terminal', async () => {
  const text = await show([], { COLUMNS: '50' });
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(50);
  expect(text).not.toMatch(/[\u001b\u202e]/);
});

test('--top 0 leaves the functions out', async () => {
  expect(await show(['--top', '0'])).not.toContain('functions');
});

test('a folder that is no session is a slip that says so', async () => {
  const { stderr, code } = await runCli(['show', '/etc']);
  expect(code).toBe(2);
  expect(stderr).toContain('Expected "/etc" to be the folder of a session');
});
