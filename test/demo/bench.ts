import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf } from '../../src/error.ts';
import { locate } from '../servers/locate.ts';

// A benchmark that prints markers around its stages: node bench.js PORT. What any of yours would do.

const run = promisify(execFile);
const stageSeconds = 2.5;
const calibrationRequests = 20_000;

const stages: readonly { readonly label: string; readonly flags: readonly string[] }[] = [
  { label: 'set', flags: ['-t', 'set', '-d', '64'] },
  { label: 'get', flags: ['-t', 'get'] },
  { label: 'get:pipeline_16', flags: ['-t', 'get', '-P', '16'] },
];

/** One run of valkey-benchmark; its CSV, header and one row. */
async function benchmark(port: string, flags: readonly string[], requests: number): Promise<string> {
  const program = locate('valkey-benchmark');
  if (program === undefined) throw new Error('valkey-benchmark is not there: npm run servers');
  const fixed = ['-h', '127.0.0.1', '-p', port, '-c', '50', '-r', '100000', '-n', String(requests), '--csv'];
  const { stdout } = await run(program, [...fixed, ...flags]);
  return stdout.trim();
}

try {
  const port = process.argv[2] ?? '6379';
  for (const { label, flags } of stages) {
    // It takes a number of requests, not a time.
    const calibration = await benchmark(port, flags, calibrationRequests);
    const qps = Number(/"[^"]+","([\d.]+)"/.exec(calibration.split('\n').at(-1) ?? '')?.[1] ?? 50_000);
    process.stdout.write(`[STAGE:START] ${label}\n`);
    const startMs = performance.now();
    const csv = await benchmark(port, flags, Math.round(qps * stageSeconds));
    const seconds = (performance.now() - startMs) / 1000;
    process.stdout.write(`[STAGE:END] ${label} duration=${seconds.toFixed(3)}s\n${csv}\n`);
  }
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
}
