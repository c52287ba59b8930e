import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { cli, TestFolder } from './support.ts';

test('a line of 2 GB without a newline passes through, and the memory stays flat', async () => {
  using folder = new TestFolder();
  const args = ['monitor', '-q', '--profile', 'metrics', '--output-dir', folder.path];
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  let bytes = 0;
  child.stdout.on('data', (chunk: Buffer) => (bytes += chunk.length));
  const ended = new Promise<number | null>((done) => child.once('close', (code) => done(code)));
  const piece = Buffer.alloc(1 << 20, 'x');
  let peakKb = 0;
  for (let i = 0; i < 2_048; i++) {
    if (!child.stdin.write(piece)) await new Promise((drained) => child.stdin.once('drain', drained));
    if (i % 100 !== 99) continue;
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    peakKb = Math.max(peakKb, Number(/VmHWM:\s+(\d+)/.exec(status)![1]));
  }
  child.stdin.end();
  expect(await ended).toBe(0);
  expect(bytes).toBe(2_048 * (1 << 20));
  expect(peakKb).toBeLessThan(150 * 1024);
});
