import { expect, test } from 'vitest';
import { functionsOf, topFunctions } from '../../src/report/functions.ts';

const FOLDED = `pool;main;get;lookup 6
pool;main;get 2
pool;main;walk;walk;walk 1
not a stack
pool;main -3
`;

test('self is what ran itself, total what was on the stack, once a stack', () => {
  const table = functionsOf(FOLDED);
  expect(table.total).toBe(9);
  expect(table.functions.get('get')).toEqual({ name: 'get', self: 2, total: 8 });
  expect(table.functions.get('walk')).toEqual({ name: 'walk', self: 1, total: 1 });
  expect(table.functions.has('pool')).toBe(false);
});

test('the heaviest come first, and what never ran itself is not listed by self', () => {
  const table = functionsOf(FOLDED);
  expect(topFunctions(table, 'self', 9).map(({ name }) => name)).toEqual(['lookup', 'get', 'walk']);
  expect(topFunctions(table, 'total', 2).map(({ name }) => name)).toEqual(['main', 'get']);
});
