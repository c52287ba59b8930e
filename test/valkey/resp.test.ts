import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  CommandReader,
  ReplyReader,
  ReplySkipper,
  ReplyWriter,
  RespError,
  RespMap,
  RespProtocolError,
  RespPush,
  encodeCommand,
  pairsOf,
  type RespValue,
} from '../../src/valkey/resp.ts';
import { runs } from '../fuzz/runs.ts';

const readAll = (text: string): RespValue[] => new ReplyReader().read(Buffer.from(text));

/** Cuts bytes at the given places, whatever they are. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set([0, ...places.map((place) => place % (bytes.length + 1)), bytes.length])].sort(
    (a, b) => a - b,
  );
  return at.slice(1).map((end, i) => Buffer.from(bytes.subarray(at[i], end)));
}

test('every type of both protocols is read', () => {
  expect(readAll('+OK\r\n:42\r\n:-1\r\n$3\r\na\r\n\r\n$-1\r\n*-1\r\n*0\r\n$0\r\n\r\n')).toEqual([
    'OK',
    42,
    -1,
    Buffer.from('a\r\n'),
    null,
    null,
    [],
    Buffer.alloc(0),
  ]);
  expect(readAll('_\r\n#t\r\n#f\r\n,1.5\r\n,-inf\r\n(12345678901234567890\r\n=5\r\ntxt:a\r\n')).toEqual([
    null,
    true,
    false,
    1.5,
    -Infinity,
    12345678901234567890n,
    'a',
  ]);
  expect(readAll('-MOVED 866 127.0.0.1:7000\r\n!5\r\nERR x\r\n')).toEqual([
    new RespError('MOVED 866 127.0.0.1:7000'),
    new RespError('ERR x'),
  ]);
  expect(new RespError('MOVED 866 h:1').kind).toBe('MOVED');
  expect(readAll('%1\r\n+a\r\n*2\r\n:1\r\n~1\r\n:2\r\n>2\r\n+x\r\n+y\r\n')).toEqual([
    new RespMap([['a', [1, [2]]]]),
    new RespPush(['x', 'y']),
  ]);
  expect(readAll('|1\r\n+ttl\r\n:1\r\n*1\r\n|1\r\n+a\r\n+b\r\n:7\r\n')).toEqual([[7]]);
  expect(readAll(':9223372036854775807\r\n')).toEqual([9223372036854775807n]);
});

test('pairs are read alike from both protocols', () => {
  const [flat, map] = readAll('*4\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n:2\r\n%2\r\n+a\r\n:1\r\n+b\r\n:2\r\n');
  expect(pairsOf(flat)).toEqual(pairsOf(map));
});

test.each(['x\r\n', '$-2\r\nx', '$3\r\nabcd\r\n', '*a\r\n', ':\r\n', '#x\r\n', '+a\n', '$99999999999\r\n'])(
  'what is no RESP is refused: %j',
  (text) => expect(() => readAll(text)).toThrow(RespProtocolError),
);

const reply: fc.Arbitrary<RespValue> = fc.letrec<{ value: RespValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<RespValue>(null, true, false, 'OK', 1.5),
    fc.maxSafeInteger(),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.constant(new RespError('ERR no')),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 3 }).map((pairs) => new RespMap(pairs)),
  ),
})).value;

function write(out: ReplyWriter, value: RespValue): ReplyWriter {
  if (value === null) return out.null();
  if (typeof value === 'boolean') return out.boolean(value);
  if (typeof value === 'string') return out.simple(value);
  if (typeof value === 'bigint') return out.integer(value);
  if (typeof value === 'number') return Number.isInteger(value) ? out.integer(value) : out.double(value);
  if (Buffer.isBuffer(value)) return out.bulk(value);
  if (value instanceof RespError) return out.error(value.message);
  if (value instanceof RespMap) {
    out.map(value.entries.length);
    for (const pair of value.entries) for (const item of pair) write(out, item);
    return out;
  }
  const items = value instanceof RespPush ? value.items : (value as readonly RespValue[]);
  out.array(items.length);
  for (const item of items) write(out, item);
  return out;
}

test('replies are read and counted the same however they are cut', () => {
  fc.assert(
    fc.property(
      fc.array(reply, { maxLength: 8 }),
      fc.array(fc.nat(), { maxLength: 20 }),
      (values, places) => {
        const out = new ReplyWriter();
        out.protocol = 3;
        for (const value of values) write(out, value);
        const chunks = cut(out.take(), places);
        const reader = new ReplyReader();
        expect(chunks.flatMap((chunk) => reader.read(chunk))).toEqual(values);
        const skipper = new ReplySkipper();
        let seen = 0;
        const failed: number[] = [];
        for (const chunk of chunks) {
          const replies = skipper.skip(chunk, 0, chunk.length);
          for (const { index } of skipper.errors) failed.push(seen + index);
          seen += replies;
        }
        expect(seen).toBe(values.length);
        expect(failed).toEqual(values.flatMap((value, i) => (holdsError(value) ? [i] : [])));
      },
    ),
    { numRuns: runs(500) },
  );
});

function holdsError(value: RespValue): boolean {
  if (value instanceof RespError) return true;
  if (value instanceof RespMap) return value.entries.flat().some(holdsError);
  return Array.isArray(value) && (value as RespValue[]).some(holdsError);
}

test('the skipper passes pushes over, keeps the text of errors, and refuses what is no RESP', () => {
  const skipper = new ReplySkipper();
  const bytes = Buffer.from('>2\r\n+a\r\n-x\r\n+OK\r\n-OOM command not allowed\r\n:1\r\n');
  expect(skipper.skip(bytes, 0, bytes.length)).toBe(3);
  expect(skipper.errors).toEqual([{ index: 1, message: 'OOM command not allowed' }]);
  expect(() => skipper.skip(Buffer.from('HTTP/1.1'), 0, 8)).toThrow(RespProtocolError);
});

test('commands are read as they were encoded, however they are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.uint8Array({ maxLength: 100 }), { minLength: 1, maxLength: 5 }), { maxLength: 6 }),
      fc.array(fc.nat(), { maxLength: 20 }),
      (commands, places) => {
        const reader = new CommandReader();
        const chunks = cut(Buffer.concat(commands.map((words) => encodeCommand(words))), places);
        const requests = chunks.flatMap((chunk) => reader.read(chunk));
        expect(requests).toEqual(commands.map((words) => words.map((word) => Buffer.from(word))));
      },
    ),
  );
});

test('inline commands know quotes and escapes', () => {
  const reader = new CommandReader();
  const requests = reader.read(Buffer.from('PING\r\n\r\nSET "a b" \'c"d\'\nSET k "\\x41\\n\\""\r\n'));
  expect(requests.map((words) => words.map(String))).toEqual([
    ['PING'],
    ['SET', 'a b', 'c"d'],
    ['SET', 'k', 'A\n"'],
  ]);
});

test.each([
  ['*x\r\n', 'Protocol error: invalid multibulk length'],
  ['*1\r\n+PING\r\n', "Protocol error: expected '$', got '+'"],
  ['*1\r\n$-1\r\n', 'Protocol error: invalid bulk length'],
  ['*1\r\n$999999999999\r\n', 'Protocol error: invalid bulk length'],
  ['SET "a\r\n', 'Protocol error: unbalanced quotes in request'],
  ['a'.repeat(70_000), 'Protocol error: too big inline request'],
  [`*${'1'.repeat(70_000)}`, 'Protocol error: too big mbulk count string'],
])('a broken command gets the words of Valkey: %.20j', (text, message) => {
  const reader = new CommandReader();
  expect(reader.read(Buffer.from(`PING\r\n${text}`))).toHaveLength(1);
  expect(reader.failure?.message).toBe(message);
});

test('a large string in small pieces is read in linear time', () => {
  const piece = Buffer.alloc(1024, 'x');
  const reader = new ReplyReader();
  reader.read(Buffer.from(`$${piece.length * 50_000}\r\n`));
  const begun = performance.now();
  for (let i = 0; i < 50_000; i++) reader.read(piece);
  expect(reader.read(Buffer.from('\r\n'))).toHaveLength(1);
  expect(performance.now() - begun).toBeLessThan(5_000);
});
