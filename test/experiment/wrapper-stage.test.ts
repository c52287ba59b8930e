import { expect, test } from 'vitest';
import { ValKeyBenchmarkWrapper } from '../../src/experiment/wrapper.ts';

function listening(): { readonly wrapper: ValKeyBenchmarkWrapper; readonly lines: string[] } {
  const lines: string[] = [];
  return { wrapper: new ValKeyBenchmarkWrapper({ markers: (line) => lines.push(line) }), lines };
}

const END = (stage: string): RegExp => new RegExp(`^\\[STAGE:END\\] ${stage} duration=\\d+\\.\\d{3}s$`);

test('a stage prints START before the work and END after it, and gives what the work gave', async () => {
  const { wrapper, lines } = listening();
  const given = await wrapper.stage('vec-query', 'ef_100', async () => {
    expect(lines).toEqual(['[STAGE:START] vec-query:ef_100']);
    await Promise.resolve();
    return 42;
  });
  expect(given).toBe(42);
  expect(lines).toEqual(['[STAGE:START] vec-query:ef_100', expect.stringMatching(END('vec-query:ef_100'))]);
});

test('the tag may be left out, and the work need not be async', async () => {
  const { wrapper, lines } = listening();
  expect(await wrapper.stage('warmup', () => 'done')).toBe('done');
  expect(await wrapper.stage('get', undefined, () => 'done')).toBe('done');
  expect(lines).toEqual([
    '[STAGE:START] warmup',
    expect.stringMatching(END('warmup')),
    '[STAGE:START] get',
    expect.stringMatching(END('get')),
  ]);
});

test.each([
  ['rejects', () => Promise.reject(new Error('no server'))],
  [
    'throws at once',
    () => {
      throw new Error('no server');
    },
  ],
])('END is printed when the work %s, and the error comes through', async (_, work) => {
  const { wrapper, lines } = listening();
  await expect(wrapper.stage('vec-query', 'ef_10', work)).rejects.toThrow('no server');
  expect(lines.at(-1)).toMatch(END('vec-query:ef_10'));
});

test('await using ends the stage with its block, also when the block throws', async () => {
  const { wrapper, lines } = listening();
  const block = async (): Promise<void> => {
    await using _ = wrapper.stage('vec-load');
    expect(lines).toEqual(['[STAGE:START] vec-load']);
    throw new Error('disk full');
  };
  await expect(block()).rejects.toThrow('disk full');
  expect(lines).toEqual(['[STAGE:START] vec-load', expect.stringMatching(END('vec-load'))]);
});

test('a stage that was ended by hand is not ended again by its block', () => {
  const { wrapper, lines } = listening();
  {
    using stage = wrapper.stage('get', 'clients_20');
    stage.end();
    lines.push('after');
  }
  expect(lines).toEqual([
    '[STAGE:START] get:clients_20',
    expect.stringMatching(END('get:clients_20')),
    'after',
  ]);
});

test('a name that a follower would read as another one is refused before anything is printed', async () => {
  const { wrapper, lines } = listening();
  let hasRun = false;
  await expect(wrapper.stage('two words', () => void (hasRun = true))).rejects.toThrow(/without blanks/);
  expect(() => wrapper.stage('get', 'a b')).toThrow(/without blanks/);
  expect({ lines, hasRun }).toEqual({ lines: [], hasRun: false });
});
