import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { locate } from '../test/servers/locate.ts';
import { startServer } from '../test/servers/start.ts';

const cli = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const stages = fileURLToPath(new URL('../../test/fixtures/stages.mjs', import.meta.url));

interface Span {
  readonly durationMs: number;
  readonly startNs: number;
  readonly endNs: number;
  readonly targets: readonly { readonly hooks: Readonly<Record<string, Readonly<Record<string, never>>>> }[];
}

/**
 * How much of back-to-back stages is captured on a server under load: where the first and the last sample lie, by
 * their own timestamps, and how many samples lie outside all spans. Beside it: a cold `perf record -p` for each stage.
 */
export async function run(print: (line: string) => void): Promise<void> {
  await using server = await startServer();
  const load = spawn(
    locate('valkey-benchmark')!,
    ['-p', String(server.port), '-t', 'get', '-n', '1000000000', '-c', '20', '-q'],
    { stdio: 'ignore' },
  );
  try {
    await measure(print, server.port, 'five of 1 s, 50 ms apart', 5, 1000, 50);
    await measure(print, server.port, 'twenty of 50 ms, 10 ms apart', 20, 50, 10);
    await measure(print, server.port, 'twenty of 200 ms, 10 ms apart', 20, 200, 10);
    await measureCold(print, server.pid, 5, 1000, 50);
  } finally {
    load.kill('SIGKILL');
    await once(load, 'close');
  }
}

async function measure(
  print: (line: string) => void,
  port: number,
  what: string,
  count: number,
  lengthMs: number,
  gapMs: number,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'stagewatch-bench-'));
  try {
    const steps = Array.from({ length: count }, (_, i) => [`s:${i}=${lengthMs}`, `gap=${gapMs}`]).flat();
    const args = ['run', '--collect-perf', '--server-port', String(port), '--output-dir', folder, '-q', '--'];
    const child = spawn(process.execPath, [cli, ...args, process.execPath, stages, ...steps], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const [code] = (await once(child, 'close')) as [number];
    const session = join(folder, readdirSync(folder)[0]!);
    const spans = readdirSync(join(session, 'spans'))
      .sort()
      .map((name) => JSON.parse(readFileSync(join(session, 'spans', name, 'span.json'), 'utf8')) as Span);
    if (code !== 0 || spans.length !== count)
      throw new Error(`exit ${code}, ${spans.length} of ${count} spans`);
    const perf = spans.map(
      (span) => span.targets[0]!.hooks['perf-record']! as unknown as Record<string, number>,
    );
    const first = perf.map((facts) => facts['firstSampleMs']!);
    const last = perf.map((facts) => facts['lastSampleMs']!);
    const covered = spans.map((span, i) => (span.durationMs - first[i]! - last[i]!) / span.durationMs);
    const info = JSON.parse(readFileSync(join(session, 'session.json'), 'utf8')) as {
      startDelays: Record<string, { p50Ms: number; p99Ms: number; maxMs: number }>;
    };
    const delays = info.startDelays['perf-record']!;
    print(
      `${what}: covered by samples min ${percent(Math.min(...covered))} median ${percent(median(covered))}; ` +
        `first sample after max ${ms(Math.max(...first))}, last before the end max ${ms(Math.max(...last))}; ` +
        `marker to capture p50 ${ms(delays.p50Ms)} p99 ${ms(delays.p99Ms)} max ${ms(delays.maxMs)}; ` +
        `${perf.reduce((sum, facts) => sum + facts['samples']!, 0)} samples`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a user would do by hand: start perf at the start of each stage, end it at the end. */
async function measureCold(
  print: (line: string) => void,
  pid: number,
  count: number,
  lengthMs: number,
  gapMs: number,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'stagewatch-bench-'));
  try {
    const covered: number[] = [];
    for (let i = 0; i < count; i++) {
      const file = join(folder, `perf.data.${i}`);
      const startNs = process.hrtime.bigint();
      const perf = spawn('perf', ['record', '-F', '999', '-g', '-k', 'mono', '-p', String(pid), '-o', file], {
        stdio: 'ignore',
      });
      await sleep(lengthMs);
      const endNs = process.hrtime.bigint();
      perf.kill('SIGINT');
      await Promise.all([once(perf, 'close'), sleep(gapMs)]);
      const times = await sampleTimes(file);
      const [from, to] = [
        Math.max(times[0] ?? Infinity, Number(startNs)),
        Math.min(times.at(-1) ?? 0, Number(endNs)),
      ];
      covered.push(Math.max(0, (to - from) / Number(endNs - startNs)));
    }
    print(`beside it, cold perf record -p, five of 1 s: covered ${covered.map(percent).join(', ')}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function sampleTimes(file: string): Promise<number[]> {
  const child = spawn('perf', ['script', '-i', file, '-F', 'time', '--ns'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(child, 'close');
  return [...text.matchAll(/(\d+)\.(\d{9}):/g)].map(([, s, ns]) => Number(s) * 1e9 + Number(ns));
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
const ms = (value: number): string => `${value.toFixed(1)} ms`;
