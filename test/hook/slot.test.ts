import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { StagewatchError } from '../../src/error.ts';
import type { ArmedHook, Hook, HookContext } from '../../src/hook/contract.ts';
import { z } from '../../src/hook/index.ts';
import { HookSlot, type SlotEvent } from '../../src/hook/slot.ts';
import { monotonicNs } from '../../src/session/clock.ts';
import type { EndedSpan, Span } from '../../src/stage/span.ts';

const span = (id: number): Span => ({
  id,
  stage: { name: `s${id}` },
  source: 'test',
  watched: true,
  history: false,
  startNs: monotonicNs(),
  startedAt: Date.now(),
  attributes: [],
});
const ended = (open: Span): EndedSpan => ({
  ...open,
  state: 'finished',
  endNs: monotonicNs(),
  durationMs: 1,
  timing: { state: 'trusted' },
});

function slotWith(armed: Partial<ArmedHook>, hook: Partial<Hook> = {}): { slot: HookSlot; told: string[] } {
  const told: string[] = [];
  const whole: ArmedHook = {
    start: async () => {},
    stop: async () => {},
    collect: async () => [],
    [Symbol.asyncDispose]: async () => {},
    ...armed,
  };
  const slot = new HookSlot(
    {
      name: 'test',
      description: '',
      options: z.object({}),
      target: 'optional',
      probe: async () => ({ state: 'available' }),
      arm: async () => whole,
      ...hook,
    },
    {} as HookContext,
    (event: SlotEvent) => told.push('span' in event ? `${event.state} ${event.span}` : event.state),
  );
  return { slot, told };
}

test('starts and stops of one hook come one after the other, in the order of the markers', async () => {
  const calls: string[] = [];
  const { slot, told } = slotWith({
    start: async ({ id }) => {
      await sleep(5);
      calls.push(`start ${id}`);
    },
    stop: async ({ id }) => {
      calls.push(`stop ${id}`);
    },
  });
  await slot.arm();
  const [a, b] = [span(1), span(2)];
  slot.spanStarted(a);
  await sleep(1);
  slot.spanEnded(ended(a));
  slot.spanStarted(b);
  await sleep(20);
  slot.spanEnded(ended(b));
  await slot.settled();
  expect(calls).toEqual(['start 1', 'stop 1', 'start 2', 'stop 2']);
  expect(told).toEqual(['armed', 'started 1', 'stopped 1', 'started 2', 'stopped 2']);
});

test('the first start is called before spanStarted returns, so that nothing stands between marker and capture', async () => {
  let called = false;
  const { slot } = slotWith({
    start: async () => {
      called = true;
    },
  });
  await slot.arm();
  slot.spanStarted(span(1));
  expect(called).toBe(true);
});

test('a span that is open when the hook becomes armed is captured from then on', async () => {
  const { slot, told } = slotWith({});
  slot.spanStarted(span(1));
  await slot.arm();
  await slot.settled();
  expect(told).toEqual(['armed', 'started 1']);
  expect(slot.captureOf(1)?.state).toBe('captured');
});

test('a span that ended before the hook was armed is missed, with the reason', async () => {
  const { slot, told } = slotWith({});
  const open = span(1);
  slot.spanStarted(open);
  slot.spanEnded(ended(open));
  await slot.arm();
  expect(told).toEqual(['missed 1', 'armed']);
  expect(slot.captureOf(1)).toEqual({ state: 'missed', reason: 'the hook was not armed yet' });
});

test('a span that is over before its turn comes is missed, and neither started nor stopped', async () => {
  const calls: number[] = [];
  const { slot, told } = slotWith({
    start: async ({ id }) => {
      await sleep(10);
      calls.push(id);
    },
  });
  await slot.arm();
  const [a, b] = [span(1), span(2)];
  slot.spanStarted(a);
  slot.spanStarted(b);
  slot.spanEnded(ended(b));
  slot.spanEnded(ended(a));
  await slot.settled();
  expect(calls).toEqual([1]);
  expect(told).toEqual(['armed', 'missed 2', 'started 1', 'stopped 1']);
});

test('a hook that throws at a start is left out; what it captured before stays', async () => {
  const { slot, told } = slotWith({
    start: async ({ id }) => {
      if (id === 2) throw new Error('no');
    },
  });
  await slot.arm();
  const [a, b, c] = [span(1), span(2), span(3)];
  slot.spanStarted(a);
  await sleep(1);
  slot.spanEnded(ended(a));
  slot.spanStarted(b);
  await slot.settled();
  slot.spanEnded(ended(b));
  slot.spanStarted(c);
  slot.spanEnded(ended(c));
  await slot.settled();
  expect(told).toEqual(['armed', 'started 1', 'stopped 1', 'missed 2', 'failed', 'missed 3']);
  expect(slot.captureOf(1)?.state).toBe('captured');
  expect(slot.armed).toBeDefined();
});

test('a hook that never becomes ready at a start counts as failed after 2 s', async () => {
  const { slot, told } = slotWith({ start: () => new Promise(() => {}) });
  await slot.arm();
  slot.spanStarted(span(1));
  await slot.settled();
  expect(told).toEqual(['armed', 'missed 1', 'failed']);
});

test('a hook whose capture ends by itself is failed, and its open capture ends there', async () => {
  const { slot, told } = slotWith({ failed: sleep(20).then(() => new Error('perf was killed')) });
  await slot.arm();
  slot.spanStarted(span(1));
  await sleep(50);
  expect(told).toEqual(['armed', 'started 1', 'failed']);
  expect(slot.captureOf(1)).toMatchObject({ state: 'captured', endedNs: expect.any(BigInt) as bigint });
});

test('that the target ended is no failure of the hook', async () => {
  const { slot, told } = slotWith({
    failed: Promise.resolve(new StagewatchError('target-exited', 'valkey-server exited')),
  });
  await slot.arm();
  await sleep(1);
  expect(told).toEqual(['armed', 'target-exited']);
});

test('an unavailable hook says why and how to mend it', async () => {
  const told: SlotEvent[] = [];
  const slot = new HookSlot(
    {
      name: 'test',
      description: '',
      options: z.object({}),
      target: 'optional',
      probe: async () => ({
        state: 'unavailable',
        reason: 'no perf',
        mend: 'apt install perf',
        notInstalled: true,
      }),
      arm: async () => {
        throw new Error('never');
      },
    },
    {} as HookContext,
    (event) => told.push(event),
  );
  await slot.arm();
  expect(told).toEqual([
    { state: 'unavailable', reason: 'no perf', mend: 'apt install perf', notInstalled: true },
  ]);
});
