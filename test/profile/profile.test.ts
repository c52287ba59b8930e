import { expect, test } from 'vitest';
import { planHooks } from '../../src/hook/plan.ts';
import { loadProfile, parseProfile, presetNames } from '../../src/profile/load.ts';
import { mergeProfiles } from '../../src/profile/profile.ts';
import { didYouMean } from '../../src/profile/suggest.ts';

test('a profile is read with its stages and hooks', () => {
  const profile = parseProfile(
    'description: x\nwatch: [vec-query, "get:*"]\nskip: [warmup]\nhooks:\n  flamegraph: { frequency: 99 }\n  metrics:\n',
    'p.yaml',
  );
  expect(profile.watch).toEqual(['vec-query', 'get:*']);
  expect([...profile.hooks]).toEqual([
    ['flamegraph', { frequency: 99 }],
    ['metrics', {}],
  ]);
});

test.each([
  ['watc: [x]', /p\.yaml:1: unknown key "watc", expected one of .*Did you mean "watch"\?/],
  ['description: x\nwatch: 5', /p\.yaml:2: watch: .*expected array/],
  ['description: [', /p\.yaml: /],
  ['hooks:\n  perf-record: 7', /p\.yaml:2: hooks\.perf-record: /],
])('what is wrong in %j is told with its line', (text, message) => {
  expect(() => parseProfile(text, 'p.yaml')).toThrow(message);
});

test('a profile cannot reach the prototype of anything', () => {
  const before = Object.keys(Object.prototype);
  expect(() =>
    parseProfile('__proto__: { polluted: true }\nhooks: { __proto__: { x: 1 } }', 'p.yaml'),
  ).toThrow(/unknown key "__proto__"/);
  expect(Object.keys(Object.prototype)).toEqual(before);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test('aliases that multiply are refused', () => {
  const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]'];
  for (let i = 0; i < 8; i++) {
    const [from, to] = [String.fromCharCode(97 + i), String.fromCharCode(98 + i)];
    bomb.push(`${to}: &${to} [${`*${from},`.repeat(9)}]`);
  }
  expect(() => parseProfile(bomb.join('\n'), 'bomb.yaml')).toThrow(/bomb\.yaml/);
});

test('later profiles win: stages replace, hooks add up, options merge', () => {
  const merged = mergeProfiles([
    parseProfile('watch: [a]\nhooks: { perf-record: { frequency: 99, callGraph: fp }, x: {} }', 'a.yaml'),
    parseProfile('watch: [b]\nhooks: { perf-record: { frequency: 499 } }', 'b.yaml'),
  ]);
  expect(merged.watch).toEqual(['b']);
  expect(merged.hooks.get('perf-record')).toEqual({ frequency: 499, callGraph: 'fp' });
  expect(merged.hooks.has('x')).toBe(true);
});

test('every preset is good, and its hooks take their options', async () => {
  for (const name of await presetNames())
    await expect(planHooks((await loadProfile(name)).hooks)).resolves.not.toHaveLength(0);
});

test('an unknown preset is refused with the nearest name', async () => {
  await expect(loadProfile('flamegrph')).rejects.toThrow(/one of .*cpu.*Did you mean "flamegraph"\?/);
});

test('an option that a hook does not know goes to the hook that it needs', async () => {
  const plan = await planHooks(new Map([['flamegraph', { frequency: 99 }]]));
  expect(plan.map(({ hook }) => hook.name)).toEqual(['perf-record', 'flamegraph']);
  expect(plan[0]!.options).toMatchObject({ frequency: 99 });
});

test('an option that nobody knows is refused with the nearest name', async () => {
  await expect(planHooks(new Map([['perf-record', { frequncy: 99 }]]))).rejects.toThrow(
    /Hook perf-record: unknown key "frequncy".*Did you mean "frequency"\?/,
  );
});

test('a value of the wrong kind is refused by the name of its option', async () => {
  await expect(planHooks(new Map([['perf-record', { frequency: 'often' }]]))).rejects.toThrow(
    /Hook perf-record: option frequency: .*got "often"/,
  );
});

test('a suggestion is made for slips, not for other words', () => {
  expect(didYouMean('flamgraph', ['flamegraph', 'cpu'])).toBe(' Did you mean "flamegraph"?');
  expect(didYouMean('zebra', ['flamegraph', 'cpu'])).toBe('');
});
