import { expect, test } from 'vitest';
import { KeptText, lastLinesOf, wholeLines } from '../../../src/bench/drivers/kept-text.ts';

test('what fits is kept as it is, also where a character is split over chunks', () => {
  const kept = new KeptText();
  for (const byte of Buffer.from('größer\n')) kept.add(Uint8Array.of(byte));
  expect(`${kept}`).toBe('größer\n');
  expect(kept.droppedBytes).toBe(0);
});

test('of more than that the beginning and the end', () => {
  const kept = new KeptText();
  kept.add(Buffer.from('the first line\n'));
  for (let i = 0; i < 3_000; i++) kept.add(Buffer.alloc(1_000, 'x'));
  kept.add(Buffer.from('\nthe last line\n'));
  const text = `${kept}`;
  expect(text.startsWith('the first line\n')).toBe(true);
  expect(text.endsWith('\nthe last line\n')).toBe(true);
  expect(text).toContain(`[${kept.droppedBytes} bytes left out]`);
  expect(kept.droppedBytes).toBeGreaterThan(1_900_000);
  expect(text.length).toBeLessThan(1_100_000);
});

test('one chunk that is larger than all that is kept', () => {
  const kept = new KeptText();
  kept.add(Buffer.concat([Buffer.from('first'), Buffer.alloc(5_000_000, 'x'), Buffer.from('last')]));
  kept.add(Buffer.from('!'));
  expect(`${kept}`.length).toBeLessThan(1_100_000);
  expect(`${kept}`.endsWith('last!')).toBe(true);
});

test('last lines: no colours, no control bytes, no secrets, the last state of a progress line', () => {
  const text =
    '\u001b[31mERROR\u001b[0m bad\u0007\n\n 1%\r 50%\r 99%\r\nAUTH s3cret failed\nredis://u:pw@h --requirepass x\n';
  expect(lastLinesOf(text, 10, 's3cret')).toEqual([
    ...['ERROR bad', ' 99%', 'AUTH *** failed', 'redis://***@h --requirepass ***'],
  ]);
  expect(lastLinesOf('\u001b]0;title\u0007words\n\ufffd\ufffdELF\ufffd\n')).toEqual([
    'words',
    '[6 characters that are no text]',
  ]);
  expect(lastLinesOf('a\nb\nc', 2)).toEqual(['b', 'c']);
  expect(lastLinesOf('x'.repeat(1000))[0]).toHaveLength(303);
});

test('a line without its end is none', () => {
  expect(wholeLines('one\n\u001b[2mtwo\u001b[0m\r\nthr')).toEqual(['one', 'two']);
});
