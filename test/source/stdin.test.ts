import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Program, readAll } from './program.ts';
import { sleep, until } from './recorder.ts';

let folder: string;
let log: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stagewatch-test-'));
  log = join(folder, 'bench.log');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const awkward = Buffer.concat([
  Buffer.from('a\r\n[STAGE:START] get\n\0\0'),
  Buffer.from([0xff, 0xfe, 0xc3, 0x28]),
  Buffer.from('\r\r\n[STAGE:END] get duration=1s\nlast line without end'),
]);

describe('bytes pass through as they are', () => {
  test('from pipe to pipe', async () => {
    const program = new Program('stdin', ['pipe', 'pipe', 'inherit'], {}, 'cat | "$@" | cat');
    program.process.stdin?.end(awkward);
    expect(await readAll(program.process.stdout)).toEqual(awkward);
    expect(await program.told()).toMatchObject({ markers: ['start get', 'end get'], end: { state: 'eof' } });
  });

  test('from socket to socket', async () => {
    const program = new Program('stdin', ['pipe', 'pipe', 'inherit']);
    program.process.stdin?.end(awkward);
    expect(await readAll(program.process.stdout)).toEqual(awkward);
  });

  test('in whatever pieces they come', async () => {
    const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 5_000 }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(pieces, async (pieces) => {
        const program = new Program('stdin', ['pipe', 'pipe', 'inherit'], {}, 'cat | "$@" | cat');
        for (const piece of pieces) {
          program.process.stdin?.write(piece);
          await sleep(1);
        }
        program.process.stdin?.end();
        expect(await readAll(program.process.stdout)).toEqual(Buffer.concat(pieces));
      }),
      { numRuns: 5 },
    );
  });

  test.each(['>', '>>'])(
    'to a regular file, by %s, beside another program that writes to it',
    async (redirect) => {
      writeFileSync(log, redirect === '>' ? 'old' : 'first\n');
      const wrap = `(echo before; cat | "$@"; echo after) ${redirect} "${log}"`;
      const program = new Program('stdin', ['pipe', 'pipe', 'inherit'], {}, wrap);
      program.process.stdin?.end(awkward);
      await program.told();
      const before = redirect === '>' ? 'before\n' : 'first\nbefore\n';
      expect(readFileSync(log)).toEqual(
        Buffer.concat([Buffer.from(before), awkward, Buffer.from('after\n')]),
      );
    },
  );

  test('to a terminal', async () => {
    const wrap = `export LOG="${log}" PROGRAM="$(printf '%q ' "$@")"; script -qec 'cat "$LOG" | eval "$PROGRAM"' /dev/null`;
    writeFileSync(log, 'a\n[STAGE:START] x\nb\n');
    const program = new Program('stdin', ['ignore', 'pipe', 'inherit'], {}, wrap);
    expect((await readAll(program.process.stdout)).toString()).toContain('a\r\n[STAGE:START] x\r\nb\r\n');
  });

  test('from a terminal', async () => {
    const wrap = `export PROGRAM="$(printf '%q ' "$@")"; (sleep 0.5; echo '[STAGE:START] x'; sleep 0.3; printf '\\004') | script -qec 'eval "$PROGRAM"' /dev/null`;
    const program = new Program('stdin', ['ignore', 'pipe', 'inherit'], {}, wrap);
    expect((await readAll(program.process.stdout)).toString()).toContain('[STAGE:START] x\r\n');
    expect(await program.told()).toMatchObject({ markers: ['start x'], end: { state: 'eof' } });
  });

  test('from /dev/null, nothing', async () => {
    const program = new Program('stdin', ['ignore', 'pipe', 'inherit']);
    expect(await readAll(program.process.stdout)).toHaveLength(0);
    expect((await program.told()).end.state).toBe('eof');
  });

  test('before the source is started, when it was told to begin; its markers wait', async () => {
    const program = new Program('stdin', ['pipe', 'pipe', 'inherit'], { beginMs: 1_000 });
    program.process.stdin?.end(awkward);
    expect(await once(program.process.stdout as NodeJS.EventEmitter, 'data')).toEqual([awkward]);
    expect(program.pid).toBeUndefined();
    expect(await program.told()).toMatchObject({ markers: ['start get', 'end get'], end: { state: 'eof' } });
  });

  test('nowhere, when not asked to', async () => {
    const program = new Program('stdin', ['pipe', 'pipe', 'inherit'], { passThrough: false });
    program.process.stdin?.end(awkward);
    expect(await readAll(program.process.stdout)).toHaveLength(0);
    expect((await program.told()).markers).toEqual(['start get', 'end get']);
  });
});

describe('a reader of the output', () => {
  test('that is slow slows down the benchmark, as tee does, and gets all of it', async () => {
    const wrap = `yes 0123456789 | head -c 3000000 | "$@" | (sleep 0.5; cat)`;
    const program = new Program('stdin', ['ignore', 'pipe', 'inherit'], {}, wrap);
    expect((await readAll(program.process.stdout)).length).toBe(3_000_000);
  });

  test('that goes ends the pass-through, not the following', async () => {
    const wrap = `(echo '[STAGE:START] a'; yes x | head -c 1000000; echo '[STAGE:END] a') | "$@" | head -c 1`;
    const told = await new Program('stdin', ['ignore', 'pipe', 'inherit'], {}, wrap).told();
    expect(told).toMatchObject({
      markers: ['start a', 'end a'],
      notices: ['reader-gone'],
      end: { state: 'eof' },
    });
  });

  test('that goes while we wait for it', async () => {
    const wrap = `(yes x | head -c 1000000; echo '[STAGE:END] a') | "$@" | (sleep 0.3; exit 0)`;
    const told = await new Program('stdin', ['ignore', 'pipe', 'inherit'], {}, wrap).told();
    expect(told).toMatchObject({ markers: ['end a'], notices: ['reader-gone'], end: { state: 'eof' } });
  });

  test('a full disk ends the pass-through, not the following', async () => {
    const wrap = `(yes x | head -c 300000; echo '[STAGE:END] a') | "$@" > /dev/full`;
    const told = await new Program('stdin', ['ignore', 'pipe', 'inherit'], {}, wrap).told();
    expect(told).toMatchObject({ markers: ['end a'], notices: ['output-failed'], end: { state: 'eof' } });
  });

  test('other programs on the same pipes keep their blocking descriptors', async () => {
    const flags = `awk '/flags/ {print $2}' /proc/self/fdinfo/0 /proc/self/fdinfo/1`;
    const wrap = `sleep 0.5 | ("$@"& sleep 0.3; ${flags} >&2; wait) | cat`;
    const program = new Program('stdin', ['ignore', 'pipe', 'pipe'], {}, wrap);
    const shown = (await readAll(program.process.stderr)).toString();
    expect(
      shown
        .trim()
        .split('\n')
        .map((text) => Number.parseInt(text, 8) & 0o4000),
    ).toEqual([0, 0]);
    await program.told();
  });
});

describe('the end', () => {
  test('stop hands on what was read', async () => {
    const program = new Program('stdin', ['pipe', 'pipe', 'inherit'], {}, 'cat | "$@" | cat');
    program.process.stdin?.write('[STAGE:START] a\nrest');
    await until(() => program.markers().length === 1, 'the marker');
    await program.signal('SIGUSR2');
    await until(() => program.lines.at(-1)?.type === 'ended', 'the end');
    program.process.stdin?.end();
    expect((await readAll(program.process.stdout)).toString()).toBe('[STAGE:START] a\nrest');
    expect((await program.told()).end.state).toBe('stopped');
  });

  test('stop does not wait for a reader that never reads', async () => {
    const program = new Program('stdin', ['ignore', 'pipe', 'inherit'], {}, 'cat /dev/zero | "$@" | sleep 3');
    await until(() => program.pid !== undefined, 'the start');
    await sleep(100);
    await program.signal('SIGUSR2');
    await until(() => program.lines.at(-1)?.type === 'ended', 'the end');
    expect((await program.told()).end.state).toBe('stopped');
  });

  test('silence ends it when asked to', async () => {
    const program = new Program('stdin', ['pipe', 'pipe', 'inherit'], { idleTimeoutMs: 200 });
    program.process.stdin?.write('[STAGE:START] a\n');
    expect(await program.told()).toMatchObject({ markers: ['start a'], end: { state: 'idle' } });
  });
});

describe('a regular file as standard input', () => {
  const fromFile = (options: object = {}) => {
    const fd = openSync(log, 'r');
    const program = new Program('stdin', [fd, 'pipe', 'inherit'], options);
    closeSync(fd);
    return program;
  };

  test('that nobody writes to is history, passed through, and ends', async () => {
    writeFileSync(log, awkward);
    const program = fromFile();
    expect(await readAll(program.process.stdout)).toEqual(awkward);
    expect(await program.told()).toMatchObject({
      markers: ['(start get)', '(end get)'],
      end: { state: 'eof' },
    });
  });

  test('is followed while somebody writes to it', async () => {
    writeFileSync(log, '[STAGE:START] a\n');
    const writer = openSync(log, 'a');
    const program = fromFile();
    const passed = readAll(program.process.stdout);
    await until(() => program.markers().length === 1, 'the history');
    for (let i = 0; i < 5; i++) {
      writeSync(writer, `[STAGE:START] s${i}\n`);
      await until(() => program.markers().length === i + 2, `marker ${i}`);
      await sleep(100);
    }
    await sleep(1_000);
    writeSync(writer, '[STAGE:END] last');
    closeSync(writer);
    const told = await program.told();
    expect(told.end.state).toBe('eof');
    expect(told.markers[0]).toBe('(start a)');
    expect(told.markers.slice(1)).toEqual(
      ['s0', 's1', 's2', 's3', 's4'].map((s) => `start ${s}`).concat('end last'),
    );
    expect(await passed).toEqual(readFileSync(log));
  });

  test('is read from where its descriptor stands', async () => {
    writeFileSync(log, '[STAGE:START] skipped\n[STAGE:START] a\n');
    const program = new Program(
      'stdin',
      ['ignore', 'pipe', 'inherit'],
      {},
      `(read -r line; "$@") < "${log}"`,
    );
    expect((await readAll(program.process.stdout)).toString()).toBe('[STAGE:START] a\n');
    expect((await program.told()).markers).toEqual(['(start a)']);
  });

  test('that is truncated is read from its start again', async () => {
    writeFileSync(log, `${'x'.repeat(1_000)}\n`);
    const writer = openSync(log, 'a');
    const program = fromFile();
    program.process.stdout?.resume();
    await until(() => program.pid !== undefined, 'the start');
    await sleep(100);
    truncateSync(log);
    appendFileSync(log, '[STAGE:START] a\n');
    await until(() => program.markers().length === 1, 'the marker');
    closeSync(writer);
    expect(await program.told()).toMatchObject({ markers: ['start a'], notices: ['truncated'] });
  });

  test('that is our own output is refused', async () => {
    writeFileSync(log, 'x\n');
    const told = await new Program(
      'stdin',
      ['ignore', 'pipe', 'inherit'],
      {},
      `"$@" < "${log}" >> "${log}"`,
    ).told();
    expect(told.end).toMatchObject({
      state: 'failed',
      error: { name: 'UsageError', code: 'output-is-input' },
    });
    expect(readFileSync(log, 'utf8')).toBe('x\n');
  });

  test('a folder is refused', async () => {
    const told = await new Program('stdin', ['ignore', 'pipe', 'inherit'], {}, `"$@" < "${folder}"`).told();
    expect(told.end).toMatchObject({
      state: 'failed',
      error: { name: 'UsageError', code: 'is-a-directory' },
    });
  });
});

describe('hostile input', () => {
  test('a line of 200 MB passes with flat memory', async () => {
    const wrap = `(head -c 200000000 /dev/zero; echo; echo '[STAGE:START] a') | "$@" | wc -c`;
    const program = new Program('stdin', ['ignore', 'pipe', 'inherit'], {}, wrap);
    expect(Number(await readAll(program.process.stdout))).toBe(200_000_017);
    const { markers, end } = await program.told();
    expect(markers).toEqual(['start a']);
    expect(end.maxRss).toBeLessThan(150_000);
  });

  test('of a flood of markers none is lost, and memory stays flat when the main thread is slow', async () => {
    const wrap = `yes '[STAGE:START] abc' | head -n 500000 | "$@"`;
    const program = new Program(
      'stdin',
      ['ignore', 'pipe', 'inherit'],
      { countOnly: true, stallMs: 1 },
      wrap,
    );
    program.process.stdout?.resume();
    const { end } = await program.told();
    expect(end.count).toBe(500_000);
    expect(end.maxRss).toBeLessThan(200_000);
  });
});

test('a program that is told to exit while its reader is stalled does not hang', async () => {
  const program = new Program(
    'stdin',
    ['ignore', 'pipe', 'inherit'],
    { exitOn: 'SIGHUP' },
    'cat /dev/zero | "$@" | sleep 3',
  );
  await until(() => program.pid !== undefined, 'the start');
  await sleep(100);
  const began = performance.now();
  const pid = await program.signal('SIGHUP');
  await until(() => hasExited(pid), 'the exit');
  expect(performance.now() - began).toBeLessThan(2_500);
  await program.exited;
});

function hasExited(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return true;
  }
}
