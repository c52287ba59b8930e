import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startCli } from '../../e2e/support.ts';
import { legacyFile, TemporaryFolder } from './files.ts';
import { nearest, npyFile, queries, vectors, writeHdf5 } from './foreign-files.ts';

interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function dataset(folder: TemporaryFolder, ...args: string[]): Promise<Said> {
  const running = startCli(['dataset', ...args], { cwd: folder.path, env: { BENCHMARK_HOME: '' } });
  const { code, stdout, stderr } = await running.ended;
  return { code, stdout: stdout.toString(), stderr };
}

const shape = '--count 500 --dim 8 --queries 20 --neighbors 5 --seed 3'.split(' ');

test('make, info and check go together, by bare name', async () => {
  using folder = new TemporaryFolder();
  mkdirSync(folder.file('datasets'));
  expect(
    await dataset(folder, 'make', ...shape, '--metric', 'ip', '--output', 'datasets/demo-large'),
  ).toEqual({
    code: 0,
    stdout: 'datasets/demo-large.yaml\n',
    stderr: '',
  });
  const info = await dataset(folder, 'info', 'demo-large');
  expect(info.code).toBe(0);
  expect(info.stdout).toMatch(/vectors +500 x 8, float32.*\nmetric +ip\n/);
  expect(info.stdout).toMatch(/index name +demo-large-500-8-5\nkey prefix +zvec_demo:\n/);
  const check = await dataset(folder, 'check', 'demo-large', '--json');
  expect(check.code).toBe(0);
  expect(JSON.parse(check.stdout)).toMatchObject({
    version: 1,
    metric: 'ip',
    metricOrigin: { state: 'declared' },
    check: { groundTruth: { state: 'checked', queries: 20, right: 20 } },
    problems: [],
  });
});

test('check ends with 1 where the ground truth is wrong, and says what would be right', async () => {
  using folder = new TemporaryFolder();
  await dataset(folder, 'make', ...shape, '--metric', 'cosine', '--output', 'a');
  const checked = await dataset(folder, 'check', 'a', '--metric', 'l2');
  expect(checked.code).toBe(1);
  expect(checked.stdout).toMatch(/is wrong by l2; query \d+: neighbour \d+ is \d+, at/);
  expect(checked.stdout).toMatch(/it is right by cosine: --metric cosine/);
});

test('a damaged dataset ends with 2 and one line', async () => {
  using folder = new TemporaryFolder();
  const whole = legacyFile(vectors, queries, nearest);
  folder.write('cut.bin', whole.subarray(0, -8));
  for (const command of ['info', 'check', 'convert']) {
    const said = await dataset(folder, command, 'cut');
    expect(said).toMatchObject({ code: 2, stdout: '' });
    expect(said.stderr).toMatch(/^stagewatch: .*the file is truncated, or the head is wrong\.\n$/i);
  }
});

test('info tells a metric code that writers disagree on; convert settles it by the ground truth', async () => {
  using folder = new TemporaryFolder();
  const rows = [[3, 0, 4], [1, 0, 0], [0, 2, 0], [9, 9, 9]]; // prettier-ignore
  folder.write('old.bin', legacyFile(rows, [[1, 0, 0]], [[3, 0]], { metricCode: 1 }));
  const info = await dataset(folder, 'info', 'old.bin');
  expect(info.stdout).toMatch(/metric +cosine \(code 1; writers disagree on this code/);
  const converted = await dataset(folder, 'convert', 'old.bin');
  expect(converted).toMatchObject({ code: 0, stdout: 'old-schema.yaml\n' });
  expect(converted.stderr).toMatch(/the ground truth is that of ip/);
  expect((await dataset(folder, 'check', 'old-schema')).code).toBe(0);
});

test('import says what it took over and what it computed', async () => {
  using folder = new TemporaryFolder();
  const parts = { train: vectors, test: queries, neighbors: nearest, distance: 'euclidean' };
  await writeHdf5(folder.file('set-3-euclidean.hdf5'), parts);
  const taken = await dataset(folder, 'import', 'set-3-euclidean.hdf5');
  expect(taken).toMatchObject({ code: 0, stdout: 'set-3-euclidean.yaml\n' });
  expect(taken.stderr).toBe('stagewatch: 5 x 3, l2, 2 queries, 2 neighbours each, taken over\n');
  folder.write('a.npy', npyFile('<f4', [5, 3], Float32Array.from(vectors.flat())));
  const computed = await dataset(folder, 'import', 'a.npy', '--queries', '1');
  expect(computed.stderr).toMatch(/taken as l2.*\n.*4 x 3, l2, 1 queries, 4 neighbours each, computed\n/);
});

test('import ends with 1 where the ground truth that it took over is wrong', async () => {
  using folder = new TemporaryFolder();
  const parts = { train: vectors, test: queries, neighbors: [[3, 4], [0, 1]], distance: 'euclidean' }; // prettier-ignore
  await writeHdf5(folder.file('a.hdf5'), parts);
  const said = await dataset(folder, 'import', 'a.hdf5');
  expect(said.code).toBe(1);
  expect(said.stderr).toMatch(
    /ground truth of 2 of 2 queries is wrong by l2\. Compute it with --recompute --force/,
  );
  const again = await dataset(folder, 'import', 'a.hdf5', '--recompute', '--force');
  expect(again.code).toBe(0);
  expect((await dataset(folder, 'check', 'a')).code).toBe(0);
});

test('Ctrl-C ends the work with 130, and leaves nothing behind', async () => {
  using folder = new TemporaryFolder();
  const args = 'dataset make --count 400000 --dim 64 --queries 1000 --output big'.split(' ');
  const running = startCli(args, { cwd: folder.path });
  while (readdirSync(folder.path).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  running.child.kill('SIGINT');
  const { code, stderr } = await running.ended;
  expect(code).toBe(130);
  expect(stderr).toMatch(/nothing is left behind/);
  expect(readdirSync(folder.path)).toEqual([]);
});

test.each([
  [['make', '--count', '10', '--dim', '0'], /--dim to be a whole number from 1/],
  [['make', '--count', 'many', '--dim', '2'], /whole number/],
  [['make', '--dim', '2'], /--count/],
  [['make', ...shape, '--metric', 'hamming'], /l2, ip, cosine/],
  [['info', 'nowhere'], /Make one with: stagewatch dataset make/],
  [['info', '-h'], /unknown option '-h'/],
  [['import', 'nowhere.npy'], /nowhere\.npy/],
])('%j is wrong usage', async (args, message) => {
  using folder = new TemporaryFolder();
  const said = await dataset(folder, ...args);
  expect(said).toMatchObject({ code: 2, stdout: '' });
  expect(said.stderr).toMatch(message);
  expect(readdirSync(folder.path)).toEqual([]);
});

test('a moved .bin is found through its schema no more, and that is told', async () => {
  using folder = new TemporaryFolder();
  await dataset(folder, 'make', ...shape, '--output', 'a');
  renameSync(folder.file('a.bin'), folder.file('b.bin'));
  expect(existsSync(folder.file('a.yaml'))).toBe(true);
  expect((await dataset(folder, 'info', 'a')).stderr).toMatch(/its data in .*a\.bin/);
  expect(readFileSync(folder.file('a.yaml'), 'utf8')).toMatch(/distance_metric: l2/);
});

test('import ends with 1 where the numbers are not finite', async () => {
  using folder = new TemporaryFolder();
  const train = [...vectors.slice(0, 4), [NaN, 0, 0]];
  await writeHdf5(folder.file('a.hdf5'), { train, test: queries, neighbors: nearest, distance: 'euclidean' });
  const said = await dataset(folder, 'import', 'a.hdf5');
  expect(said.code).toBe(1);
  expect(said.stderr).toMatch(/not checked: some numbers are not finite/);
});
