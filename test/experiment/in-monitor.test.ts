import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { inMonitor, type FollowOptions } from '../../src/experiment/in-monitor.ts';
import type { Room } from '../../src/experiment/trial-source.ts';
import type { Hook } from '../../src/hook/contract.ts';
import { available, z } from '../../src/hook/index.ts';
import { readSession } from '../../src/session/read.ts';
import type { Stage } from '../../src/stage/stage.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stagewatch-experiment-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Takes its time to begin: whoever does not wait for it is seen. */
const slow = (start: () => Promise<void> = () => sleep(150)): Hook => ({
  name: 'slow',
  description: 'begins late',
  options: z.object({}),
  target: 'optional',
  probe: () => Promise.resolve(available),
  arm: () =>
    Promise.resolve({
      start,
      stop: () => Promise.resolve(),
      collect: () => Promise.resolve([]),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
});

const follow = (hooks: readonly Hook[] = [], stop = new AbortController().signal): FollowOptions => ({
  watch: [],
  skip: [],
  hooks: hooks.map((hook) => ({ hook, from: hook.name, options: {} })),
  hooksAsked: hooks.length > 0,
  target: { by: 'name', names: ['no-such-server'] },
  needsTarget: false,
  allTargets: false,
  outputDir: folder,
  label: 'experiment',
  maxSpanMs: 60_000,
  about: {},
  stop,
  hurry: new AbortController().signal,
});

/** The session's journal, one word for each thing that this is about. */
async function run(work: (room: Room) => Promise<void>, options: FollowOptions): Promise<string[]> {
  const summary = await inMonitor(work, options, () => {});
  return orderOf(summary.folder);
}

async function orderOf(session: string): Promise<string[]> {
  const { events } = await readSession(session);
  return events.flatMap((event) => {
    if (event.type === 'span-start' || event.type === 'span-end') return [`${event.type} ${event.stage}`];
    if (event.type === 'hook') return [`hook ${event.state}`];
    return event.type === 'notice' ? [event.message] : [];
  });
}

/** All of the work is a stage. */
const staged = <T>(room: Room, stage: Stage, work: () => Promise<T>): Promise<T> =>
  room.stage(stage, async (window) => {
    await window.begin();
    return await work();
  });

const say = (room: Room, message: string): void => room.tell({ type: 'notice', code: 'work', message });

test('work begins when its hooks have begun, and the next stage when they have ended', async () => {
  const order = await run(
    async (room) => {
      for (const tag of ['a', 'b'])
        await staged(room, { name: 'get', tag }, () => Promise.resolve(say(room, `work ${tag}`)));
    },
    follow([slow()]),
  );
  expect(order).toEqual([
    'hook armed',
    'span-start get:a',
    'hook started',
    'work a',
    'span-end get:a',
    'hook stopped',
    'span-start get:b',
    'hook started',
    'work b',
    'span-end get:b',
    'hook stopped',
  ]);
});

test('the stage is what lies between begin and end, and what comes after waits for its hooks', async () => {
  const order = await run(
    (room) =>
      room.stage({ name: 'get' }, async ({ begin, end }) => {
        say(room, 'checks');
        await begin();
        say(room, 'load');
        await end();
        say(room, 'judging');
      }),
    follow([slow()]),
  );
  expect(order).toEqual([
    'hook armed',
    'checks',
    'span-start get',
    'hook started',
    'load',
    'span-end get',
    'hook stopped',
    'judging',
  ]);
});

test('work that fails before it begins its stage has none', async () => {
  let session = '';
  const failing = inMonitor(
    (room) => room.stage({ name: 'get' }, () => Promise.reject(new Error('no server'))),
    follow([slow()]),
    (event) => {
      if (event.type === 'session' && event.state === 'started') session = event.folder;
    },
  );
  await expect(failing).rejects.toThrow('no server');
  expect(await orderOf(session)).toEqual(['hook armed']);
});

test('a hook that fails to begin holds nothing up', async () => {
  const order = await run(
    (room) => staged(room, { name: 'get' }, () => Promise.resolve(say(room, 'work'))),
    follow([slow(() => Promise.reject(new Error('no')))]),
  );
  expect(order).toEqual([
    'hook armed',
    'span-start get',
    'hook missed',
    'hook failed',
    'work',
    'span-end get',
  ]);
});

test('what the work throws is thrown, after its stage has ended and the session is whole', async () => {
  let session = '';
  const failing = inMonitor(
    (room) => staged(room, { name: 'get' }, () => Promise.reject(new Error('it broke'))),
    follow(),
    (event) => {
      if (event.type === 'session' && event.state === 'started') session = event.folder;
    },
  );
  await expect(failing).rejects.toThrow('it broke');
  expect(await orderOf(session)).toEqual(['span-start get', 'span-end get']);
  expect((await readSession(session)).info).toMatchObject({ state: 'complete' });
});

test('a stage whose name no follower could read is refused before anything begins', async () => {
  let worked = false;
  const work = (room: Room): Promise<void> =>
    room.stage({ name: 'two words' }, () => Promise.resolve(void (worked = true)));
  await expect(run(work, follow())).rejects.toMatchObject({ code: 'unreadable-marker' });
  expect(worked).toBe(false);
});

test('stop reaches the work at once, and is over when the work has put everything back', async () => {
  const stop = new AbortController();
  const order = await run(
    async (room) => {
      await staged(room, { name: 'get' }, async () => {
        setImmediate(() => stop.abort());
        await new Promise((resolve) => room.signal.addEventListener('abort', resolve));
      });
      await sleep(500); // longer than a followed benchmark is given
      say(room, 'put back');
    },
    follow([], stop.signal),
  );
  expect(order).toEqual(['span-start get', 'span-end get', 'put back']);
});

test('what is journalled is on disk when it says so', async () => {
  let session = '';
  let onDisk: string[] = [];
  await inMonitor(
    async (room) => {
      await room.journal({ type: 'notice', code: 'work', message: 'about to change it' });
      onDisk = await orderOf(session);
    },
    follow(),
    (event) => {
      if (event.type === 'session' && event.state === 'started') session = event.folder;
    },
  );
  expect(onDisk).toEqual(['about to change it']);
});
