import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { type FlamegraphOptions, makeFlamegraph } from '../../src/perf/flamegraph.ts';
import { perfEnvironment } from '../../src/perf/run.ts';
import { locate } from '../servers/locate.ts';

const folder = mkdtempSync(join(tmpdir(), 'stagewatch-flame-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const scripts = new URL('../fixtures/perf/script/', import.meta.url).pathname;
const hostile = [
  '</script><script>alert(1)</script>',
  ']]><x>',
  '"\'&<b>',
  '</title></svg>',
  'a\u202eb',
  'x'.repeat(10_000),
];

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function draw(input: string, options: Partial<FlamegraphOptions> = {}): Promise<string> {
  const { text } = await makeFlamegraph(input, { format: 'folded', ...options });
  return [...text].join('\n');
}

test('folded stacks, perf script and their differences are told apart by what is in them', async () => {
  const folded = await draw(join(scripts, 'javascript.txt'));
  expect(folded.split('\n')).toHaveLength(2);
  expect(await draw(file('again.txt', folded))).toBe(folded);
  expect(await draw(file('now', 'a;b 3\na;c 4\n'), { diff: file('was', 'a;b 5\na;d 1\n') })).toBe(
    'a;b 5 3\na;c 0 4\na;d 1 0',
  );
  expect(await draw(file('callers', 'm;a;x 3\nm;b;x 4\n'), { reverse: true })).toBe('x;a;m 3\nx;b;m 4');
});

test('a slip is told with what was found', async () => {
  await expect(draw(join(folder, 'absent'))).rejects.toMatchObject({ code: 'unreadable-profile' });
  await expect(
    draw(file('log', '958:C 23 Nov 2026 07:55 * oO0 Valkey is starting\nready to accept\n')),
  ).rejects.toMatchObject({
    code: 'unknown-profile',
  });
  await expect(draw(file('empty', ''))).rejects.toMatchObject({ code: 'unknown-profile' });
  await expect(draw(file('few', 'a;b 3\n'), { by: 'pool' })).rejects.toMatchObject({ code: 'folded-option' });
  await expect(draw(join(scripts, 'rust.txt'), { time: { fromNs: 1n, toNs: 2n } })).rejects.toMatchObject({
    code: 'no-stacks',
  });
});

test('hostile names are text in a page and in a picture, which is XML', async () => {
  const folded = file('hostile', hostile.map((name, index) => `${name};${name} ${1000 + index}`).join('\n'));
  const before = file('before', hostile.map((name) => `${name} 5`).join('\n'));
  for (const diff of [undefined, before]) {
    const svg = await draw(folded, { format: 'svg', diff, title: hostile[0] });
    expect(svg.match(/<script/g)).toHaveLength(1);
    expect(svg.match(/]]>/g)).toHaveLength(1);
    expect(svg.slice(0, svg.indexOf('<script>'))).not.toMatch(/<b>|<x>|\s(href|src|on\w+)=/);
    expect(svg.match(/https?:[^"<]*/g)).toEqual(['http://www.w3.org/2000/svg']);
    for (const name of [hostile[0], hostile[2]] as string[])
      expect(titlesOf(svg).some((title) => title.startsWith(name))).toBe(true);
    const html = await draw(folded, { format: 'html', diff });
    expect(html.match(/<script/g)).toHaveLength(2);
  }
});

test('any folded text becomes a picture whose markup is balanced', async () => {
  const name = fc.oneof(fc.string({ unit: 'binary', minLength: 1 }), fc.constantFrom(...hostile));
  await fc.assert(
    fc.asyncProperty(fc.array(name, { minLength: 1, maxLength: 5 }), async (names) => {
      const svg = await draw(
        file('any', `ok 1\n${names.map((one) => one.replaceAll(/[\n;]/g, '?')).join(';')} 7\n`),
        { format: 'svg' },
      );
      const markup = svg.slice(0, svg.indexOf('<script>'));
      expect(markup).not.toMatch(/[\x00-\x09\x0b-\x1f\ufffe\uffff]|\p{Surrogate}/u);
      expect(markup.match(/<g /g)?.length).toBe(markup.match(/<\/g>/g)?.length ?? 0);
      expect(markup.replaceAll(/<[^<>]*>/g, '')).not.toMatch(/[<>]|&(?!(amp|lt|gt|quot);)/);
    }),
    { numRuns: 60 },
  );
});

test('frames of a picture have the widths of their weights', async () => {
  const svg = await draw(file('widths', 'a;b 3\na;c 1\n'), { format: 'svg' });
  const widths = Object.fromEntries(
    [...svg.matchAll(/<title>(\S+) \(.*?<rect x="([\d.]+)" y="(\d+)" width="([\d.]+)"/g)].map(
      ([, name, x, y, width]) => [name, [x, y, width].map(Number)],
    ),
  );
  expect(widths).toEqual({ all: [10, 52, 1180], a: [10, 69, 1180], b: [10, 86, 885], c: [895, 86, 295] });
});

test.skipIf(locate('perf') === undefined)(
  'a perf.data is drawn, by process and in a window of time',
  async () => {
    const data = join(folder, 'perf.data');
    const argv = [
      'record',
      '-N',
      '-q',
      '-k',
      'mono',
      '-e',
      'cpu-clock',
      '-F',
      '999',
      '-g',
      '-o',
      data,
      '--',
      'sh',
      '-c',
      'head -c 60000000 /dev/zero | md5sum',
    ];
    spawnSync('perf', argv, { env: { ...process.env, ...perfEnvironment } });
    const all = await makeFlamegraph(data, { format: 'folded', by: 'process' });
    expect([...all.text].map((line) => line.split(/[; ]/, 1)[0])).toContain('md5sum');
    const { stdout } = spawnSync('perf', ['script', '-i', data, '-F', 'time', '--ns'], { encoding: 'utf8' });
    const times = [...stdout.matchAll(/(\d+)\.(\d{9}):/g)].map(([, s = '', ns = '']) => BigInt(s + ns));
    expect(all.samples).toBe(times.length);
    const [fromNs, toNs] = [times[5] ?? 0n, times[20] ?? 0n];
    expect((await makeFlamegraph(data, { format: 'svg', time: { fromNs, toNs } })).samples).toBe(16);
    expect(await draw(data, { annotate: 'kernel', by: 'none' })).toContain('_[k]');
    expect(readFileSync(data).length).toBeGreaterThan(0);
  },
);

function titlesOf(svg: string): string[] {
  return [...svg.matchAll(/<title>(.*?)<\/title>/g)].map(([, title = '']) =>
    title.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&'),
  );
}
