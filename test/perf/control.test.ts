import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { ControlChannel } from '../../src/perf/control.ts';

/** A program with the two pipes that perf has, and perf's answers as far as the script gives them. */
function channelTo(script: string, timeoutMs: number): { channel: ControlChannel; end: () => void } {
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
  const [, , , commands, acks] = child.stdio as [null, null, null, Writable, Readable];
  return { channel: new ControlChannel(commands, acks, timeoutMs), end: () => child.kill('SIGKILL') };
}

test('commands are acknowledged one by one, in order', async () => {
  const { channel, end } = channelTo(`while read -r line <&3; do printf 'ack\\n\\0' >&4; done`, 2_000);
  const order: number[] = [];
  await Promise.all(
    [1, 2, 3].map(async (number) => {
      await channel.enable('cycles');
      order.push(number);
    }),
  );
  expect(order).toEqual([1, 2, 3]);
  end();
});

test('without an acknowledgement the channel is broken for good: a late one must not count for the next', async () => {
  const { channel, end } = channelTo(`read -r line <&3; sleep 0.2; printf 'ack\\n\\0' >&4; sleep 9`, 50);
  await expect(channel.disable()).rejects.toMatchObject({ code: 'perf-no-ack' });
  await expect(channel.enable()).rejects.toMatchObject({ code: 'perf-no-ack' });
  end();
});

test('a perf that is gone is told at once', async () => {
  const { channel } = channelTo('exit 3', 2_000);
  await expect(channel.ping()).rejects.toMatchObject({ code: 'perf-ended' });
});
