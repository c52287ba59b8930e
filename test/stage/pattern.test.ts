import { expect, test } from 'vitest';
import { UsageError } from '../../src/error.ts';
import { stageMatcher } from '../../src/stage/pattern.ts';
import { parseStage } from '../../src/stage/stage.ts';

const matches = (pattern: string, label: string) => stageMatcher([pattern])(parseStage(label));

test.each([
  ['vec-query', ['vec-query', 'vec-query:ef_100', 'vec-query:'], ['vec-query2', 'vec', 'x:vec-query']],
  ['vec-query:ef_100', ['vec-query:ef_100'], ['vec-query', 'vec-query:ef_1000', 'vec-query:']],
  ['get:*', ['get:p16', 'get:', 'get:a:b'], ['get', 'set:p16']],
  ['vec-*', ['vec-query', 'vec-', 'vec-load:x'], ['ve', 'xvec-query']],
  ['*', ['get', 'get:p16', '🚀'], []],
  ['?et', ['get', 'set:x', '🚀et'], ['et', 'gget']],
  ['*:ef_?0*', ['a:ef_10', 'a:ef_100'], ['a:ef_1', 'a', 'a:xef_10']],
  ['a*b*c', ['abc', 'axbxc', 'abcbc'], ['ab', 'acb']],
  ['get:', ['get:'], ['get', 'get:x']],
  ['a.c', ['a.c'], ['abc']],
  ['(a+)+$', ['(a+)+$'], ['aa']],
  ['[a]', ['[a]'], ['a']],
  ['__proto__', ['__proto__'], ['constructor']],
])('%s', (pattern, wanted, unwanted) => {
  expect(wanted.filter((label) => !matches(pattern, label))).toEqual([]);
  expect(unwanted.filter((label) => matches(pattern, label))).toEqual([]);
});

test('one of several patterns is enough; none matches nothing', () => {
  const matcher = stageMatcher(['get', 'vec-*']);
  expect(['get:x', 'vec-load', 'set'].map((label) => matcher(parseStage(label)))).toEqual([
    true,
    true,
    false,
  ]);
  expect(stageMatcher([])({ name: 'get' })).toBe(false);
});

test.each(['', ':tag'])('a pattern without a name, %j, is a slip of the user', (pattern) => {
  expect(() => stageMatcher([pattern])).toThrow(UsageError);
});

test('no pattern makes matching explode', () => {
  expect(matches(`${'*a'.repeat(50)}b`, 'a'.repeat(10_000))).toBe(false);
});
