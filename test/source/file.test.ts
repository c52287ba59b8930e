import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UsageError } from '../../src/error.ts';
import { FileSource, type FileOptions } from '../../src/source/file.ts';
import { Recorder, sleep, until } from './recorder.ts';

let folder: string;
let log: string;
let recorder: Recorder;
let sources: FileSource[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stagewatch-test-'));
  log = join(folder, 'bench.log');
  recorder = new Recorder();
  sources = [];
});

afterEach(async () => {
  for (const source of sources) await source.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function follow(options: Partial<FileOptions> = {}): Promise<FileSource> {
  const source = new FileSource({ path: log, ...options });
  sources.push(source);
  await source.start(recorder);
  return source;
}

const start = (name: string) => `[STAGE:START] ${name}\n`;
const seen = (count: number) => until(() => recorder.markers.length >= count, `${count} markers`);
const starts = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `start s${from + i}`);

/** Appends without pause: what a busy benchmark does. */
function append(from: number, to: number, path = log): void {
  for (let i = from; i < to; i++) appendFileSync(path, start(`s${i}`));
}

describe('a file that is there', () => {
  test('is followed from its present end', async () => {
    writeFileSync(log, start('old'));
    await follow();
    append(0, 1);
    await seen(1);
    expect(recorder.markers).toEqual(['start s0']);
  });

  test('is read from its start as history, and what comes is live', async () => {
    writeFileSync(log, `${start('a')}[STAGE:END] a duration=1s\n[STAGE:STA`);
    await follow({ fromStart: true });
    await seen(2);
    appendFileSync(log, 'RT] b\n');
    await seen(3);
    expect(recorder.markers).toEqual(['(start a)', '(end a)', 'start b']);
  });

  test('may be followed from the middle of a line', async () => {
    writeFileSync(log, '[STAGE:START] a');
    await follow();
    appendFileSync(log, `bc\n${start('d')}`);
    await seen(1);
    expect(recorder.markers).toEqual(['start d']);
  });

  test('that nobody writes to and that holds stages: says so', async () => {
    writeFileSync(log, start('a'));
    await follow();
    await until(() => recorder.notices.length > 0, 'the notice');
    expect(recorder.notices).toEqual(['finished-log']);
  });

  test('that somebody writes to, or that holds no stages, is not called finished', async () => {
    writeFileSync(log, start('a'));
    const writer = spawn('sleep', ['60'], { stdio: ['ignore', openSync(log, 'a'), 'ignore'] });
    await follow();
    writeFileSync(join(folder, 'other.log'), 'no stages\n');
    await follow({ path: join(folder, 'other.log') });
    await sleep(300);
    writer.kill();
    expect(recorder.notices).toEqual([]);
  });

  test('150 appends, 10-30 ms apart, are all seen', async () => {
    writeFileSync(log, '');
    await follow();
    const delaysMs: number[] = [];
    for (let i = 0; i < 150; i++) {
      await sleep(10 + (i % 21));
      appendFileSync(log, start(`s${i}`));
      const atNs = process.hrtime.bigint();
      await until(() => recorder.arrivalsNs.length > i, `append ${i}`);
      delaysMs.push(Number((recorder.arrivalsNs[i] as bigint) - atNs) / 1e6);
    }
    expect(recorder.markers).toEqual(starts(150));
  });

  test('a burst of 20 MB is read in turns, and whole', async () => {
    writeFileSync(log, '');
    await follow();
    const fd = openSync(log, 'a');
    for (let i = 0; i < 20; i++) writeSync(fd, `${'x'.repeat(1_000_000)}\n${start(`s${i}`)}`);
    closeSync(fd);
    await seen(20);
    expect(recorder.markers).toEqual(starts(20));
  });
});

describe('a file that is not there yet', () => {
  test('is waited for, and read from its start as live', async () => {
    await follow();
    expect(recorder.notices).toEqual(['waiting-for-file']);
    append(0, 2);
    await seen(2);
    append(2, 3);
    await seen(3);
    expect(recorder.markers).toEqual(starts(3));
  });

  test('may come by rename', async () => {
    await follow();
    append(0, 5, join(folder, 'tmp'));
    renameSync(join(folder, 'tmp'), log);
    await seen(5);
    expect(recorder.markers).toEqual(starts(5));
  });
});

describe('nothing lost, nothing twice', () => {
  test('rotated by rename, while the writer goes on with the old file', async () => {
    writeFileSync(log, '');
    const old = openSync(log, 'a');
    await follow();
    append(0, 10);
    renameSync(log, `${log}.1`);
    writeSync(old, start('s10'));
    await seen(11);
    append(11, 20);
    await seen(20);
    writeSync(old, start('late'));
    closeSync(old);
    await seen(21);
    append(20, 21);
    await seen(22);
    expect(recorder.markers).toEqual([...starts(20), 'start late', 'start s20']);
    expect(recorder.notices).toContain('rotated');
  });

  test('rotated again and again between appends', async () => {
    writeFileSync(log, '');
    await follow();
    for (let i = 0; i < 100; i++) {
      append(i, i + 1);
      if (i % 10 === 9) renameSync(log, `${log}.${i}`);
      await sleep(i % 3);
    }
    await seen(100);
    await sleep(200);
    expect([...recorder.markers].sort()).toEqual(starts(100).sort());
  });

  test('rotated, a while nothing, then a new file', async () => {
    writeFileSync(log, '');
    const old = openSync(log, 'a');
    await follow();
    renameSync(log, `${log}.1`);
    await sleep(100);
    writeSync(old, start('s0'));
    closeSync(old);
    await seen(1);
    append(1, 3);
    await seen(3);
    expect(recorder.markers).toEqual(starts(3));
  });

  test('renamed there and back', async () => {
    writeFileSync(log, start('old'));
    await follow();
    append(0, 3);
    renameSync(log, `${log}.1`);
    writeFileSync(log, start('s3'));
    await seen(4);
    renameSync(`${log}.1`, log);
    append(4, 6);
    await seen(6);
    expect(recorder.markers).toEqual(starts(6));
  });

  test('removed and made again', async () => {
    writeFileSync(log, '');
    await follow();
    append(0, 3);
    await seen(3);
    unlinkSync(log);
    append(3, 6);
    await seen(6);
    expect(recorder.markers).toEqual(starts(6));
  });

  test('replaced by a rename over it', async () => {
    writeFileSync(log, start('old'));
    await follow();
    append(0, 3);
    await seen(3);
    append(3, 6, join(folder, 'tmp'));
    renameSync(join(folder, 'tmp'), log);
    await seen(6);
    append(6, 7);
    await seen(7);
    expect(recorder.markers).toEqual(starts(7));
  });

  test('truncated in place', async () => {
    writeFileSync(log, 'x'.repeat(10_000));
    await follow();
    append(0, 3);
    await seen(3);
    truncateSync(log);
    append(3, 6);
    await seen(6);
    expect(recorder.markers).toEqual(starts(6));
    expect(recorder.notices).toContain('truncated');
  });

  test('truncated and rewritten beyond where we stood, before we look', async () => {
    writeFileSync(log, 'short\n');
    await follow();
    append(0, 1);
    await seen(1);
    // One call of each, without a turn of the event loop between them.
    writeFileSync(log, `${'another\n'.repeat(1_000)}${start('s1')}`);
    append(2, 3);
    await seen(3);
    expect(recorder.markers).toEqual(starts(3));
    expect(recorder.notices).toContain('truncated');
  });

  test('truncated and rewritten to the same size', async () => {
    writeFileSync(log, '');
    await follow();
    append(0, 1);
    await seen(1);
    await sleep(20);
    writeFileSync(log, start('s1'));
    await seen(2);
    expect(recorder.markers).toEqual(starts(2));
  });

  test('behind a symbolic link that moves on', async () => {
    writeFileSync(`${log}.a`, '');
    symlinkSync(`${log}.a`, log);
    await follow();
    append(0, 2);
    await seen(2);
    append(2, 4, `${log}.b`);
    unlinkSync(log);
    symlinkSync(`${log}.b`, log);
    await seen(4);
    append(4, 5);
    await seen(5);
    expect(recorder.markers).toEqual(starts(5));
  });

  test('several at once, each by itself', async () => {
    const paths = Array.from({ length: 20 }, (_, i) => join(folder, `${i}.log`));
    for (const path of paths) await follow({ path });
    for (let i = 0; i < 5; i++) for (const path of paths) appendFileSync(path, start(`s${i}`));
    await seen(100);
    await sleep(50);
    expect(recorder.markers).toHaveLength(100);
  });

  test('the folder removed and made again', async () => {
    mkdirSync(join(folder, 'logs'));
    const path = join(folder, 'logs', 'a.log');
    await follow({ path });
    append(0, 1, path);
    await seen(1);
    rmSync(join(folder, 'logs'), { recursive: true });
    await sleep(50);
    mkdirSync(join(folder, 'logs'));
    append(1, 2, path);
    await seen(2);
    expect(recorder.markers).toEqual(starts(2));
  });
});

describe('the end', () => {
  test('stop takes what was written, also a line without end', async () => {
    writeFileSync(log, '');
    const source = await follow();
    appendFileSync(log, `${start('s0')}[STAGE:START] s1`);
    await source.stop();
    expect(await source.ended).toEqual({ state: 'stopped' });
    expect(recorder.markers).toEqual(starts(2));
    append(2, 3);
    await sleep(50);
    expect(recorder.markers).toEqual(starts(2));
  });

  test('silence ends it when asked to', async () => {
    writeFileSync(log, '');
    const source = await follow({ idleTimeoutMs: 300 });
    const began = performance.now();
    for (let i = 0; i < 5; i++) {
      await sleep(100);
      append(i, i + 1);
    }
    expect(await source.ended).toEqual({ state: 'idle' });
    expect(performance.now() - began).toBeGreaterThan(790);
    expect(recorder.markers).toEqual(starts(5));
  });

  test('a source that was never started stops too', async () => {
    await using source = new FileSource({ path: log });
    await source.stop();
    expect(await source.ended).toEqual({ state: 'stopped' });
  });
});

describe('what cannot be followed', () => {
  test.each([
    ['a folder', '.', 'is-a-directory'],
    ['a file in a folder that is not there', 'no/such/bench.log', 'no-such-file'],
    ['a file in a file', 'file/bench.log', 'no-such-file'],
    ['a device', '/dev/null', 'not-a-file'],
  ])('%s is a slip of the user', async (_, path, code) => {
    writeFileSync(join(folder, 'file'), '');
    const source = new FileSource({ path: path.startsWith('/') ? path : join(folder, path) });
    await expect(source.start(recorder)).rejects.toMatchObject({ name: 'UsageError', code });
    expect(await source.ended).toMatchObject({ state: 'failed', error: expect.any(UsageError) });
  });
});

describe('a named pipe', () => {
  test('is read to its end, whenever its writer comes', async () => {
    execFileSync('mkfifo', [log]);
    const source = await follow();
    await sleep(50);
    const writer = spawn('sh', [
      '-c',
      `exec > "${log}"; echo '[STAGE:START] s0'; sleep 0.2; printf '[STAGE:START] s1'`,
    ]);
    expect(await source.ended).toEqual({ state: 'eof' });
    writer.kill();
    expect(recorder.markers).toEqual(starts(2));
  });

  test('without a writer can be left', async () => {
    execFileSync('mkfifo', [log]);
    const source = await follow();
    await source.stop();
    expect(await source.ended).toEqual({ state: 'stopped' });
  });
});

test('a hard link elsewhere is the same file', async () => {
  writeFileSync(log, '');
  linkSync(log, `${log}.same`);
  await follow();
  append(0, 2, `${log}.same`);
  await seen(2);
  expect(recorder.markers).toEqual(starts(2));
});
