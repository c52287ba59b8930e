import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LiveLine } from '../../src/cli/live-line.ts';

function written(use: (line: LiveLine, fd: number) => void, shows: boolean): string {
  const folder = mkdtempSync(join(tmpdir(), 'stagewatch-line-'));
  const path = join(folder, 'terminal');
  const fd = openSync(path, 'w');
  try {
    using line = new LiveLine(fd, shows);
    use(line, fd);
  } finally {
    closeSync(fd);
  }
  const text = readFileSync(path, 'utf8');
  rmSync(folder, { recursive: true });
  return text;
}

const CLEAR = '\r\u001b[K';

test('it is drawn over itself, stays below what is written, and leaves nothing', () => {
  const text = written((line, fd) => {
    line.draw('one');
    line.draw('two');
    line.aside(() => writeSync(fd, 'a whole line\n'));
    line.clear();
  }, true);
  expect(text).toBe(`${CLEAR}one${CLEAR}two${CLEAR}a whole line\n${CLEAR}two${CLEAR}`);
});

test('where there is no terminal only what is written beside it appears', () => {
  const text = written((line, fd) => {
    line.draw('one');
    line.aside(() => writeSync(fd, 'a whole line\n'));
  }, false);
  expect(text).toBe('a whole line\n');
});

test('a line that is too long for the terminal is cut: it could not be cleared', () => {
  expect(written((line) => line.draw('x'.repeat(500)), true).length).toBeLessThan(200);
});
