import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LiveSession } from '../../src/dashboard/live-session.ts';
import { processSelf } from './self.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stagewatch-live-'));
});
afterEach(() => rm(folder, { recursive: true }));

let monoNs = 5e9;
async function journal(...events: readonly object[]): Promise<void> {
  const lines = events.map((event) => JSON.stringify({ t: 'x', monoNs: (monoNs += 1e8), ...event }));
  await appendFile(join(folder, 'events.ndjson'), lines.map((line) => `${line}\n`).join(''));
}

const started = (): object => ({
  type: 'session',
  state: 'started',
  folder,
  ...processSelf(),
  about: { label: 'grows' },
});
const begin = (span: number, stage = 'get'): object => ({
  type: 'span-start',
  span,
  stage,
  source: 's',
  watched: true,
});
const end = (span: number, stage = 'get'): object => ({
  type: 'span-end',
  span,
  stage,
  source: 's',
  watched: true,
  state: 'finished',
  startNs: 5e9,
  durationMs: 100,
});

test('before the first line there is nothing, and no error', async () => {
  await using session = new LiveSession(folder);
  await session.refresh();
  expect(session.since(-1)).toEqual({ revision: 0, parts: {}, spans: [] });
  expect(session.ended).toBe(false);
});

test('what is told since a revision is what changed since, and nothing else', async () => {
  await using session = new LiveSession(folder);
  await journal(started(), begin(1));
  await session.refresh();
  const first = session.since(-1);
  expect(first.parts.head).toMatchObject({ label: 'grows', state: 'running' });
  expect(first.spans).toMatchObject([{ id: 1, state: 'open' }]);

  await session.refresh();
  expect(session.since(first.revision)).toEqual({ revision: first.revision, parts: {}, spans: [] });

  await journal(end(1), begin(2));
  await session.refresh();
  const second = session.since(first.revision);
  expect(second.spans.map(({ id, state }) => `${id} ${state}`)).toEqual(['1 finished', '2 open']);
  expect(Object.keys(second.parts)).toEqual(['head']);

  await journal({ type: 'warning', code: 'odd', message: 'odd' }, end(2));
  await session.refresh();
  const third = session.since(second.revision);
  expect(third.spans.map(({ id }) => id)).toEqual([2]);
  expect(third.parts.warnings).toMatchObject([{ code: 'odd' }]);
  // Who was away for a while is told all of it at once.
  expect(session.since(first.revision).spans.map(({ id }) => id)).toEqual([1, 2]);
  expect(session.since(-1).spans.length).toBe(2);
});

test('a profile is there once its span is collected', async () => {
  await using session = new LiveSession(folder);
  await journal(started(), begin(1), end(1));
  await session.refresh();
  expect(session.since(-1).spans).toMatchObject([{ detail: { state: 'none' } }]);
  expect(await session.detail(1)).toBeUndefined();
  const artifact = 'spans/001-get/t/stacks.folded';
  await mkdir(join(folder, 'spans/001-get/t'), { recursive: true });
  await writeFile(join(folder, artifact), 'main;work 3\n');
  const hooks = {
    'perf-record': { coverage: { state: 'measured', ratio: 1 }, artifacts: [{ path: artifact, bytes: 12 }] },
  };
  await writeFile(
    join(folder, 'spans/001-get/span.json'),
    JSON.stringify({ version: 1, targets: [{ target: 't', hooks }] }),
  );
  await journal({ type: 'collecting', spans: 1 });
  await session.refresh();
  expect(session.since(-1).spans).toMatchObject([{ detail: { state: 'server' } }]);
  expect(await session.detail(1)).toMatchObject({ profiles: [{ kind: 'on-CPU', total: 3 }] });
  expect(await session.detail(2)).toBeUndefined();
});

test('many who ask at once read each line once', async () => {
  await using session = new LiveSession(folder);
  for (let round = 1; round <= 5; round++) {
    await journal(...(round === 1 ? [started()] : []), { type: 'warning', code: `w${round}`, message: 'm' });
    await appendFile(
      join(folder, 'metrics.ndjson'),
      `${JSON.stringify({ hook: 'h', target: 't', monoNs: 5e9 + round, process: { v: round } })}\n`,
    );
    await Promise.all(Array.from({ length: 20 }, () => session.refresh()));
  }
  expect(session.since(-1).parts.warnings?.map(({ code }) => code)).toEqual(['w1', 'w2', 'w3', 'w4', 'w5']);
  expect(session.series()).toMatchObject([{ samples: 5, values: { 'process.v': [1, 2, 3, 4, 5] } }]);
});

test('the end is told with all that came before it; lines that are no JSON are counted', async () => {
  await using session = new LiveSession(folder);
  await journal(started());
  await appendFile(join(folder, 'events.ndjson'), 'no json\n{"half":');
  await session.refresh();
  expect(session.ended).toBe(false);
  await appendFile(join(folder, 'events.ndjson'), '1}\n');
  await writeFile(
    join(folder, 'session.json'),
    JSON.stringify({ version: 1, label: 'grows', state: 'complete' }),
  );
  await journal({ type: 'session', state: 'ended', spans: 0, failures: 0 });
  await session.refresh();
  expect(session.ended).toBe(true);
  expect(session.since(-1).parts.head).toMatchObject({ state: 'complete', badLines: 1 });
});
