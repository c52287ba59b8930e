import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeDataset } from '../../src/bench/dataset/make.ts';
import { startEngine, type RunningEngine } from '../../src/engine/start.ts';
import { runLoad } from '../../src/load/load.ts';
import { DEFAULTS } from '../../src/load/options.ts';
import { optionsFor } from '../load/support.ts';
import { blocksOf, Consumer } from './consumer.ts';

const [setup, ...continuations] = blocksOf('library.md', 'ts');
const library = [setup!, ...continuations.map((block) => `${setup}\n${block}`)];
const [template, ...others] = blocksOf('wrappers.md', 'ts');
const wrappers = [template!, ...others];

const snippets = [
  ...library.map((text, i) => ({ name: `library-${i + 1}`, text })),
  ...wrappers.map((text, i) => ({ name: `wrappers-${i + 1}`, text })),
];

/** The same against our server, with less to do, and with time for a machine that is busy with other tests. */
function inSmall(text: string): string {
  return text
    .replaceAll("host: 'localhost'", `host: '127.0.0.1', port: ${engine.port}`)
    .replaceAll('numRequests: 10_000', 'numRequests: 1_000')
    .replaceAll('numClients: 20,', 'numClients: 4,')
    .replaceAll('numThreads: 2,', 'numThreads: 1,')
    .replaceAll('maxVal: 100,', 'maxVal: 4,')
    .replaceAll("'numClients', min: 1, max: 100", "'numClients', min: 1, max: 4")
    .replaceAll('maxLatencyP99: 10', 'maxLatencyP99: 1_000');
}

let consumer: Consumer;
let engine: RunningEngine;
let complaints = '';

beforeAll(async () => {
  consumer = await Consumer.make();
  engine = await startEngine({ perfMap: false });
  const dataset = join(consumer.path, 'datasets/demo');
  mkdirSync(join(consumer.path, 'datasets'));
  await makeDataset({ output: dataset, count: 400, dim: 8, queries: 50, spread: 1.5, seed: 3 });
  const { k, field, hnswM, efConstruction } = DEFAULTS;
  const { length: _, ...options } = optionsFor(engine.port);
  const name = 'vec-load';
  const work = { kind: 'vectors', name, operation: name, dataset, k, field, hnswM, efConstruction } as const;
  await runLoad({ ...options, work });
  for (const { name, text } of snippets) consumer.write(`${name}.ts`, inSmall(text));
  complaints = await consumer.compile();
}, 180_000);

afterAll(async () => {
  await engine?.[Symbol.asyncDispose]();
  consumer?.[Symbol.dispose]();
});

test('the packed types compile every snippet, strictly, and those of what it depends on', () => {
  expect(complaints).toBe('');
});

describe('snippets run to their end against a server', () => {
  test.each(snippets.filter(({ name }) => name !== 'wrappers-1'))(
    '$name',
    async ({ name }) => {
      const { exitCode, stdout, stderr } = await consumer.run([`out/${name}.js`]);
      expect(exitCode, stderr).toBe(0);
      expect(stdout).not.toBe('');
    },
    180_000,
  );
});

const jiti = fileURLToPath(new URL('../../node_modules/jiti/lib/jiti-cli.mjs', import.meta.url));

test.each([
  ['compiled', ['out/wrappers-1.js']],
  ['through jiti', [jiti, 'wrappers-1.ts']],
])(
  'the template for a wrapper script runs %s, prints a stage for each run and saves them all',
  async (how, words) => {
    const file = join(consumer.path, `${how.replace(' ', '-')}.csv`);
    const flags = ['--port', String(engine.port), '--requests', '200', '--output', file];
    const { exitCode, stderr } = await consumer.run([...words, ...flags]);
    expect(exitCode, stderr).toBe(0);
    const marks = [...stderr.matchAll(/^\[STAGE:(START|END)\] (\S+)/gm)].map(([, kind, stage]) => [
      kind,
      stage,
    ]);
    expect(marks).toEqual(
      [1, 10, 50, 100].flatMap((k) => [
        ['START', `vec-query:k_${k}`],
        ['END', `vec-query:k_${k}`],
      ]),
    );
    expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toHaveLength(5);
  },
  180_000,
);
