import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LOG_BYTES = 150_000_000;
const LARGE_BYTES = 1_000_000_000;
const PAIRS = 7;

const cli = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));

/** A 150 MB log through pipes, stagewatch against tee, start-up included, in interleaved pairs; then memory for 1 GB. */
export function run(print: (line: string) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'stagewatch-bench-'));
  try {
    const log = join(folder, 'bench.log');
    writeLog(log);
    const monitor = `"${process.execPath}" "${cli}" monitor -q --server-port 1 --output-dir "${join(folder, 'sessions')}" 2>/dev/null`;
    comparePairs(print, log, monitor);
    measureMemory(print, log, monitor);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return Promise.resolve();
}

function comparePairs(print: (line: string) => void, log: string, monitor: string): void {
  const teeMs: number[] = [];
  const monitorMs: number[] = [];
  for (let i = 0; i < PAIRS; i++) {
    teeMs.push(timeMs(`cat "${log}" | tee /dev/null | cat >/dev/null`));
    monitorMs.push(timeMs(`cat "${log}" | ${monitor} | cat >/dev/null`));
  }
  const isSame = spawnSync('bash', ['-c', `cat "${log}" | ${monitor} | cmp - "${log}"`]).status === 0;
  const [tee, ours] = [median(teeMs), median(monitorMs)];
  print(`tee         ${rate(tee)}`);
  print(`stagewatch  ${rate(ours)}   ${Math.round((100 * tee) / ours)} % of tee's throughput`);
  print(`bytes       ${isSame ? 'the same' : 'DIFFERENT'}`);
}

function measureMemory(print: (line: string) => void, log: string, monitor: string): void {
  const times = Math.ceil(LARGE_BYTES / LOG_BYTES);
  const logs = Array.from({ length: times }, () => `"${log}"`).join(' ');
  const script = `import { writeSync } from 'node:fs';
    process.on('exit', () => writeSync(3, String(process.resourceUsage().maxRSS)));`;
  const preload = `--import "data:text/javascript,${encodeURIComponent(script)}"`;
  const measured = monitor.replace(`"${cli}"`, `${preload} "${cli}"`);
  const kib = execFileSync('bash', ['-c', `cat ${logs} | ${measured} 3>&1 >/dev/null`]).toString();
  print(`memory      ${Math.round(Number(kib) / 1024)} MiB at most for ${(times * LOG_BYTES) / 1e9} GB`);
}

function timeMs(pipeline: string): number {
  const began = performance.now();
  execFileSync('bash', ['-o', 'pipefail', '-c', pipeline], { stdio: ['ignore', 'ignore', 'inherit'] });
  return performance.now() - began;
}

function writeLog(path: string): void {
  const fd = openSync(path, 'w');
  let written = 0;
  for (let block = 0; written < LOG_BYTES; block++) {
    const lines = Array.from(
      { length: 2_000 },
      (_, i) => `12:00:00.${i} [INFO] request ${block * 2_000 + i} took 12.3 ms\n`,
    );
    if (block % 10 === 0) lines.push(`[STAGE:START] s:${block}\n`);
    if (block % 10 === 5) lines.push(`[STAGE:END] s:${block - 5} duration=0.001s\n`);
    written += writeSync(fd, lines.join(''));
  }
  closeSync(fd);
}

function rate(ms: number): string {
  return `${ms.toFixed(0).padStart(5)} ms  ${(LOG_BYTES / 1e3 / ms).toFixed(0).padStart(5)} MB/s`;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
