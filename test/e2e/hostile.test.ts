import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { cli, runCli, SessionFolder, TestFolder } from './support.ts';
import { spawn } from 'node:child_process';

/** No server is needed: the metrics of the host alone are profiled. */
const args = (folder: string, ...more: string[]): string[] => [
  ...['monitor', '--profile', 'metrics', '--output-dir', folder],
  ...more,
];

const names = [
  '../../../../tmp/stagewatch-escaped',
  'a;rm',
  '$(id)',
  '`id`',
  '..',
  '.hidden',
  '/etc/passwd',
  'x'.repeat(10_240),
  '<script>alert(1)</script>',
  '__proto__',
  'a:b:c/../d',
  'C:\\x',
];

test('stages with hostile names leave folders inside the session only, and a sane terminal', async () => {
  using folder = new TestFolder();
  const child = spawn(process.execPath, [cli, ...args(folder.path)], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const passing = new Promise((done) => child.stdout.once('data', done));
  child.stdout.resume();
  const ended = new Promise<number | null>((done) => child.once('close', (code) => done(code)));
  while (!said.includes('armed')) await new Promise((tick) => setTimeout(tick, 20));
  child.stdin.write('first line\n');
  await passing;
  for (const name of names) {
    child.stdin.write(`[STAGE:START] ${name}\r`);
    await new Promise((tick) => setTimeout(tick, 30));
    child.stdin.write(`[STAGE:END] ${name}\n`);
  }
  child.stdin.write('[STAGE:START] red\u001b[31m\n\u001b]0;title\u0007[STAGE:END] red\u001b[0m\n');
  child.stdin.end();
  expect(await ended).toBe(0);

  const session = new SessionFolder(folder.path);
  const folders = readdirSync(join(session.path, 'spans'));
  expect(folders).toHaveLength(names.length);
  for (const name of folders) {
    expect(name).toMatch(/^\d{3}-[A-Za-z0-9._-]+$/);
    expect(resolve(session.path, 'spans', name).startsWith(join(session.path, 'spans'))).toBe(true);
  }
  expect(session.spans.map((span) => span.stage)).toEqual(names);
  // Nothing that a terminal would act upon, but for our own line ends.
  expect(said).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
});

test('a flood of markers is journalled to the last one', async () => {
  using folder = new TestFolder();
  const count = 150_000;
  const lines: string[] = [];
  for (let i = 0; i < count; i++)
    lines.push(`[STAGE:START] s:${i % 100}\n[STAGE:END] s:${i % 100} duration=0.000s\n`);
  const input = lines.join('');
  const ran = await runCli(args(folder.path), { input });
  // 3 when the hook was not armed yet in a span that the flood made long.
  expect([0, 3], ran.stderr.slice(-500)).toContain(ran.code);
  expect(ran.stdout.length).toBe(input.length);
  const session = new SessionFolder(folder.path);
  let [starts, ends] = [0, 0];
  for (const event of session.events) {
    if (event.type === 'span-start') starts++;
    else if (event.type === 'span-end') ends++;
  }
  expect([starts, ends]).toEqual([count, count]);
  expect(ran.stderr.length).toBeLessThan(100_000);
});

test('any bytes go through as they came: invalid UTF-8, NUL, CRLF, no newline at the end', async () => {
  using folder = new TestFolder();
  const input = Buffer.concat([
    Buffer.from([0, 255, 254, 13, 10, 10, 0xc3, 0x28]),
    Buffer.from('[STAGE:START] a\r\n[STAGE:END] a\r\n'),
    Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 7919) % 256)),
    Buffer.from('no newline'),
  ]);
  const ran = await runCli(args(folder.path), { input });
  expect(ran.stdout.equals(input)).toBe(true);
});

test('a line of 300 MB passes through, and the memory stays flat', async () => {
  using folder = new TestFolder();
  const child = spawn(process.execPath, [cli, ...args(folder.path, '-q')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let bytes = 0;
  child.stdout.on('data', (chunk: Buffer) => (bytes += chunk.length));
  const ended = new Promise<number | null>((done) => child.once('close', (code) => done(code)));
  const piece = Buffer.alloc(1 << 20, 'x');
  let peakKb = 0;
  const { readFileSync } = await import('node:fs');
  for (let i = 0; i < 300; i++) {
    if (!child.stdin.write(piece)) await new Promise((drained) => child.stdin.once('drain', drained));
    if (i % 50 !== 49) continue;
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    peakKb = Math.max(peakKb, Number(/VmHWM:\s+(\d+)/.exec(status)![1]));
  }
  child.stdin.end('\n[STAGE:START] a\n');
  expect(await ended).toBe(0);
  expect(bytes).toBe(300 * (1 << 20) + 17);
  expect(peakKb).toBeLessThan(150 * 1024);
});
