import { expect, test } from 'vitest';
import { parseServeAddress } from '../../src/dashboard/address.ts';
import { UsageError } from '../../src/error.ts';

test.each([
  ['8080', '127.0.0.1', 8080],
  ['127.0.0.1', '127.0.0.1', 0],
  ['0.0.0.0:8080', '0.0.0.0', 8080],
  ['localhost', 'localhost', 0],
  ['bench-7.example:80', 'bench-7.example', 80],
  ['[::1]:8080', '::1', 8080],
  ['[::]', '::', 0],
  [':8080', '127.0.0.1', 8080],
])('%s is %s, port %i', (text, host, port) => expect(parseServeAddress(text)).toEqual({ host, port }));

test.each(['', '65536', 'localhost:99999', '::1', 'http://localhost', 'a b', '-x', 'host:', '[::1'])(
  '"%s" is no address',
  (text) => expect(() => parseServeAddress(text)).toThrow(UsageError),
);
