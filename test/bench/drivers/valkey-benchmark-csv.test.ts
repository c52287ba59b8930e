import { expect, test } from 'vitest';
import { readCsv } from '../../../src/bench/drivers/valkey-benchmark-csv.ts';
import { recording } from './recordings.ts';

const read = (name: string) => readCsv(recording(`valkey-benchmark/${name}`), 'valkey-benchmark');

const row = (name: string, figures: readonly number[]) => {
  const [qps, latencyAvg, latencyP50, latencyP95, latencyP99, latencyMax] = figures;
  return { name, qps, latencyAvg, latencyP50, latencyP95, latencyP99, latencyMax };
};

test('csv-8.0.1', () => {
  expect(read('csv-8.0.1')).toEqual([
    row('SET', [64724.92, 0.09, 0.087, 0.127, 0.207, 1.903]),
    row('GET', [64308.68, 0.09, 0.087, 0.127, 0.215, 0.439]),
  ]);
});

test('csv-9.1.2', () => {
  expect(read('csv-9.1.2')).toEqual([
    row('SET', [61162.08, 0.095, 0.087, 0.151, 0.239, 1.671]),
    row('GET', [62500, 0.093, 0.087, 0.127, 0.199, 2.255]),
  ]);
});

test('duration-9.1.2', () => {
  expect(read('duration-9.1.2')).toEqual([row('GET', [62533, 0.093, 0.087, 0.127, 0.215, 4.191])]);
});

test('custom-8.0.1: the command is the name', () => {
  expect(read('custom-8.0.1')).toEqual([
    row('SET key:__rand_int__ value', [65146.58, 0.089, 0.087, 0.127, 0.215, 0.399]),
  ]);
});

test('a name with commas and quotes, which nobody doubles', () => {
  const lines = recording('valkey-benchmark/custom-8.0.1').stdout.split('\n');
  const stdout = `${lines[0]}\n"ZADD a,b 1 x"y","83333.34","0.365","0.080","0.231","0.687","4.231","4.271"\n`;
  expect(readCsv({ stdout, lastLines: [] }, 'x')).toEqual([
    row('ZADD a,b 1 x"y', [83333.34, 0.365, 0.231, 0.687, 4.231, 4.271]),
  ]);
});

test('a run of under a millisecond says inf', () => {
  const { stdout } = recording('valkey-benchmark/duration-9.1.2');
  expect(readCsv({ stdout: stdout.replace('62533.00', 'inf'), lastLines: [] }, 'x')[0]?.qps).toBe(Infinity);
});

test.each([
  ['quiet-8.0.1', 'GET: 63291.14 requests per second, p50=0.087 msec'],
  ['quiet-9.1.2', 'GET: 59880.24 requests per second, p50=0.095 msec'],
])('%s: -q leaves latencies out, so that there is no result; what it says is told', (name, last) => {
  expect(() => read(name)).toThrow(
    expect.objectContaining({
      name: 'ParseError',
      code: 'no-result',
      message: expect.stringContaining(last) as string,
    }),
  );
});

test('refused-8.0.1', () => {
  expect(recording('valkey-benchmark/refused-8.0.1')).toMatchObject({
    ...{ exitCode: 1, lastLines: ['Could not connect to server at 127.0.0.1:7999: Connection refused'] },
  });
  expect(() => read('refused-8.0.1')).toThrow('Connection refused');
});

test('a row that is cut, and a program too old for latencies', () => {
  const { stdout } = recording('valkey-benchmark/csv-8.0.1');
  const cut = { stdout: stdout.slice(0, stdout.indexOf(',"0.439"')), lastLines: [] };
  expect(() => readCsv(cut, 'x')).toThrow(expect.objectContaining({ code: 'broken-result' }));
  const old = { stdout: '"test","rps"\n"SET","64724.92"\n', lastLines: [] };
  expect(() => readCsv(old, 'x')).toThrow(expect.objectContaining({ code: 'old-format' }));
});
