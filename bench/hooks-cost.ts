import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { locate } from '../test/servers/locate.ts';
import { ask, startServer } from '../test/servers/start.ts';

const cli = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const PROFILES = ['metrics', 'cpu', 'counters', 'off-cpu', 'server', 'full'];
const PAIRS = 8;
const WINDOW_MS = 2_000;

/**
 * What each profile costs a server under load: GET commands that it processed, by its own count, in windows with the
 * hooks capturing against windows of the same run without, in turn (A B B A). And how much of spans of 1 s each hook
 * of `full` covered.
 */
export async function run(print: (line: string) => void): Promise<void> {
  await using server = await startServer();
  const load = spawn(
    locate('valkey-benchmark')!,
    ['-p', String(server.port), '-t', 'get', '-n', '1000000000', '-c', '50', '-q'],
    { stdio: 'ignore' },
  );
  try {
    await sleep(500);
    for (const profile of PROFILES) {
      const ratios: number[] = [];
      for (let pair = 0; pair < PAIRS; pair++) {
        const clean = pair % 2 === 0 ? await rate(server.port) : undefined;
        const profiled = await profiledRate(server.port, profile);
        ratios.push(profiled / (clean ?? (await rate(server.port))));
      }
      ratios.sort((a, b) => a - b);
      const [low, mid, high] = [
        ratios[0]!,
        (ratios[PAIRS / 2 - 1]! + ratios[PAIRS / 2]!) / 2,
        ratios.at(-1)!,
      ];
      print(
        `${profile}: GET rate with it / without: median ${mid.toFixed(3)}, ${low.toFixed(3)} to ${high.toFixed(3)}, ${PAIRS} pairs of ${WINDOW_MS / 1000} s`,
      );
    }
    await coverage(print, server.port);
  } finally {
    load.kill('SIGKILL');
    await once(load, 'close');
  }
}

async function profiledRate(port: number, profile: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'stagewatch-bench-'));
  const child = spawn(
    process.execPath,
    [
      cli,
      'attach',
      '--for',
      '3600',
      '--profile',
      profile,
      '--server-port',
      String(port),
      '--output-dir',
      folder,
      '-v',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  try {
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    while (!said.includes('attach began')) {
      if (child.exitCode !== null) throw new Error(said);
      await sleep(20);
    }
    await sleep(200);
    return await rate(port);
  } finally {
    child.kill('SIGINT');
    child.kill('SIGINT');
    await once(child, 'close');
    rmSync(folder, { recursive: true, force: true });
    await sleep(300);
  }
}

/** Commands a second over a window. */
async function rate(port: number): Promise<number> {
  const [fromMs, from] = [performance.now(), await commands(port)];
  await sleep(WINDOW_MS);
  const to = await commands(port);
  return ((to - from) / (performance.now() - fromMs)) * 1000;
}

async function commands(port: number): Promise<number> {
  return Number(/total_commands_processed:(\d+)/.exec(await ask(port, 'INFO stats\r\n'))![1]);
}

async function coverage(print: (line: string) => void, port: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'stagewatch-bench-'));
  try {
    const script = join(folder, 'noop.sh');
    const { writeFileSync } = await import('node:fs');
    writeFileSync(script, '#!/bin/sh\nexec sleep 600\n', { mode: 0o755 });
    const child = spawn(
      process.execPath,
      [
        ...[cli, 'attach', '--for', '1', '--every', '1.05', '--count', '10', '--profile', 'full', '-q'],
        ...['--perf-script', script, '--server-port', String(port), '--output-dir', join(folder, 'out')],
      ],
      { stdio: 'inherit' },
    );
    await once(child, 'close');
    const [session] = readdirSync(join(folder, 'out'));
    const spans = join(folder, 'out', session!, 'spans');
    const ratios = new Map<string, number[]>();
    for (const name of readdirSync(spans)) {
      const span = JSON.parse(readFileSync(join(spans, name, 'span.json'), 'utf8')) as {
        targets: { hooks: Record<string, { coverage: { ratio?: number } }> }[];
      };
      for (const [hook, { coverage: covered }] of Object.entries(span.targets[0]!.hooks))
        ratios.set(hook, [...(ratios.get(hook) ?? []), covered.ratio ?? 0]);
    }
    for (const [hook, all] of ratios) {
      const sorted = all.toSorted((a, b) => a - b);
      print(
        `full with command, ten spans of 1 s, covered by ${hook}: min ${percent(sorted[0]!)}, median ${percent(sorted[5]!)}`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;
