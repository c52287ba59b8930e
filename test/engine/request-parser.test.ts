import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RequestParser } from '../../src/engine/wire/request-parser.ts';
import { Request } from '../../src/engine/wire/request.ts';
import { encodeCommand } from '../../src/valkey/resp.ts';

const limits = { maxBulkBytes: 1024 ** 2, maxPendingBytes: 64 * 1024 ** 2 };

/** Feeds chunks, and gives the commands as lists of latin1 words. */
function parse(chunks: readonly Uint8Array[], parser = new RequestParser(limits)): string[][] {
  const request = new Request();
  const commands: string[][] = [];
  for (const chunk of chunks) {
    parser.feed(Buffer.from(chunk));
    while (parser.next(request))
      commands.push(Array.from({ length: request.count }, (_, i) => request.text(i)));
  }
  return commands;
}

const cut = (bytes: Buffer, at: readonly number[]): Buffer[] => {
  const edges = [0, ...at.map((x) => x % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return edges.slice(1).map((edge, i) => bytes.subarray(edges[i], edge));
};

const word = fc.uint8Array({ maxLength: 40 });
const commands = fc.array(fc.array(word, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 8 });

test('commands are found however their bytes are cut', () => {
  fc.assert(
    fc.property(commands, fc.array(fc.nat()), (given, at) => {
      const bytes = Buffer.concat(given.map((words) => encodeCommand(words)));
      expect(parse(cut(bytes, at))).toEqual(
        given.map((words) => words.map((bytes) => Buffer.from(bytes).toString('latin1'))),
      );
    }),
  );
});

test('any bytes give commands or a protocol error, and the same ones however they are cut', () => {
  const outcome = (chunks: readonly Uint8Array[]): string => {
    const parser = new RequestParser(limits);
    const found: string[][] = [];
    try {
      for (const chunk of chunks) found.push(...parse([chunk], parser));
    } catch (error) {
      // Those before the error in the same chunk are lost to this helper, not to a client.
      return String(error);
    }
    return JSON.stringify(found);
  };
  const alphabet = fc.constantFrom(...'*$0123459-\r\n\r\n"\'\\ x');
  fc.assert(
    fc.property(fc.array(alphabet, { maxLength: 60 }), (characters) => {
      const bytes = Buffer.from(characters.join(''), 'latin1');
      const whole = outcome([bytes]);
      const bytewise = outcome([...bytes].map((byte) => Uint8Array.of(byte)));
      expect(bytewise).toBe(whole);
    }),
    { numRuns: 2000 },
  );
});

test('a command that spans many reads is held once, and let go of', () => {
  const parser = new RequestParser({ ...limits, maxBulkBytes: 64 * 1024 ** 2 });
  const value = Buffer.alloc(8 * 1024 ** 2, 'v');
  const bytes = encodeCommand(['SET', 'k', value]);
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 65_536) pieces.push(bytes.subarray(at, at + 65_536));
  expect(parse(pieces, parser).map((words) => words.map(({ length }) => length))).toEqual([
    [3, 1, value.length],
  ]);
  expect(parser.pendingBytes).toBe(0);
});

describe('who is not trusted yet', () => {
  const untrusted = (): RequestParser => Object.assign(new RequestParser(limits), { isTrusted: false });

  test('may not announce many words', () => {
    expect(() => parse([Buffer.from('*11\r\n')], untrusted())).toThrow('unauthenticated multibulk length');
  });

  test('may not announce large words', () => {
    expect(() => parse([Buffer.from('*2\r\n$20000\r\n')], untrusted())).toThrow(
      'unauthenticated bulk length',
    );
  });
});
