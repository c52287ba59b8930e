import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { locate } from '../servers/locate.ts';
import { ask, freePort, startServer } from '../servers/start.ts';
import { TestFolder } from './support.ts';

// A dozen commands one after the other: ten seconds, and more where the machine has other work.
vi.setConfig({ testTimeout: 180_000 });

const program = fileURLToPath(new URL('../../dist/test/demo/main.js', import.meta.url));
const withoutPerf = { PATH: pathWithout('perf') };

function pathWithout(name: string): string {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => !existsSync(join(folder, name)))
    .join(delimiter);
}

interface DemoRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly rows: readonly Row[];
}

interface Row {
  readonly stage: string;
  readonly qps: number;
  readonly recall: number;
  readonly cpuUs: number;
}

function runDemo(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<DemoRun> {
  const child = spawn(process.execPath, [program, ...args], { cwd, env: { ...process.env, ...env } });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => void (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => void (stderr += chunk.toString()));
  return new Promise((done) =>
    child.on('close', (code) => done({ code, stdout, stderr, rows: rowsOf(stdout) })),
  );
}

/** Of the table; a figure that is not there is NaN. */
function rowsOf(stdout: string): Row[] {
  const lines = stdout.slice(stdout.indexOf('\nstage ')).split('\n');
  return lines.flatMap((line) => {
    const [stage = '', qps = '', p99, unit, recall, cpu = ''] = line.split(/\s+/);
    if (!stage.startsWith('vec-')) return [];
    expect([Number(p99) > 0, unit]).toEqual([true, 'ms']);
    const number = (text: string): number => Number(text.replaceAll(',', ''));
    return [{ stage, qps: number(qps), recall: Number(recall), cpuUs: number(cpu) }];
  });
}

const stages = ['vec-load', ...[10, 20, 50, 100, 200].map((ef) => `vec-query:ef_${ef}`)];

function expectCurve(rows: readonly Row[]): void {
  expect(rows.map(({ stage }) => stage)).toEqual(stages);
  for (const { qps, cpuUs } of rows) expect([qps > 0, cpuUs > 0]).toEqual([true, true]);
  const recalls = rows.slice(1).map(({ recall }) => recall);
  expect(recalls).toEqual(recalls.toSorted((a, b) => a - b));
  expect(recalls[0]).toBeLessThan(0.8);
  expect(recalls.at(-1)).toBeGreaterThan(0.95);
  // More candidates cost more: by how much is the machine's business.
  expect(rows.at(-1)!.cpuUs).toBeGreaterThan(rows[1]!.cpuUs);
}

test('on a machine without perf and without a server it shows all but flame graphs, and says what they would add', async () => {
  using folder = new TestFolder();
  const ran = await runDemo(folder.path, ['--engine', '--seconds', '1'], withoutPerf);
  expect(ran.code, ran.stderr).toBe(0);
  expectCurve(ran.rows);
  expect(ran.stderr).toContain('server: the embedded engine');
  expect(ran.stderr).toMatch(/perf is not installed\. With it, each stage would also have a flame graph/);
  expect(ran.stderr).not.toMatch(/flame graph of/);
  expect(ran.stdout).not.toContain('most CPU in');
  const session = /^session: (\S+);/m.exec(ran.stderr)?.[1] ?? '';
  expect(readdirSync(join(folder.path, session, 'spans'))).toHaveLength(stages.length);
  expect(readdirSync(folder.path)).toEqual(['stage_perf']);
});

test.skipIf(locate('redis-server') === undefined || locate('perf') === undefined)(
  "on the user's own server each stage has a flame graph, and nothing stays there",
  async () => {
    using folder = new TestFolder();
    await using server = await startServer({ program: 'redis-server', args: ['--requirepass', 'secret'] });
    const own = ['--server', `127.0.0.1:${server.port}`, '--output-dir', 'out', '--seconds', '1'];
    const ran = await runDemo(folder.path, own, { VALKEYCLI_AUTH: 'secret' });
    expect(ran.code, ran.stderr).toBe(0);
    expectCurve(ran.rows);
    expect(ran.stdout).toMatch(/^vec-query:ef_200 .* \d+ %$/m);
    const flamegraph = /^flame graph of vec-query:ef_200: open (\S+) in a browser$/m.exec(ran.stderr)?.[1];
    expect(existsSync(resolve(folder.path, flamegraph ?? 'none'))).toBe(true);
    expect(await ask(server.port, 'AUTH secret\r\nDBSIZE\r\n')).toMatch(/:0\r\n$/);
    expect(`${ran.stdout}${ran.stderr}`).not.toContain('secret');
  },
);

test('help, and what cannot be', async () => {
  using folder = new TestFolder();
  const help = await runDemo(folder.path, ['--help']);
  expect([help.code, help.stderr]).toEqual([0, '']);
  expect(help.stdout).toMatch(/--server HOST:PORT.*--engine.*--output-dir/s);
  const port = await freePort();
  expect(await runDemo(folder.path, ['--server', `127.0.0.1:${port}`])).toMatchObject({
    code: 4,
    stderr: `Expected a server at 127.0.0.1:${port}, but nothing listens there. Is it running? --server says where.\n`,
  });
  for (const flags of [['--server', 'here'], ['--seconds', '0'], ['--server', 'a:1', '--engine'], ['--x']])
    expect((await runDemo(folder.path, flags)).code, flags.join(' ')).toBe(2);
  expect(readdirSync(folder.path)).toEqual([]);
});

test.skipIf(locate('valkey-server') === undefined)('a server without vector search is refused', async () => {
  using folder = new TestFolder();
  await using server = await startServer({ program: 'valkey-server' });
  const ran = await runDemo(folder.path, ['--server', `127.0.0.1:${server.port}`]);
  expect(ran.code).toBe(4);
  expect(ran.stderr).toMatch(/knows neither FT\.\* commands nor vector sets/);
  expect(readdirSync(folder.path)).toEqual([]);
});
