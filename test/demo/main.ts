import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../src/error.ts';
import { fetchServers } from '../servers/fetch.ts';
import { locate } from '../servers/locate.ts';
import { startServer } from '../servers/start.ts';
import { type BenchResult, readResults } from './results.ts';
import { type StageResult, readStages } from './stages.ts';

// `npm run demo`: a real server and a real benchmark, followed and profiled stage by stage.

const outputDir = './stage_perf';
const compiled = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

async function demo(): Promise<number> {
  if (!locate('valkey-server') || !locate('valkey-benchmark')) await fetchServers(['valkey'], say);
  const hasPerf = locate('perf') !== undefined;
  if (!hasPerf)
    say(
      'perf is not installed: no flame graphs, no functions. Debian, Ubuntu: sudo apt install linux-perf (linux-tools-generic); Fedora: sudo dnf install perf',
    );
  await using server = await startServer({ program: 'valkey-server' });
  say(`valkey-server listens on port ${server.port}, PID ${server.pid}`);

  const flags = [...(hasPerf ? ['--collect-perf'] : []), '--hook', 'system-metrics', '--label', 'demo'];
  const port = String(server.port);
  const about = ['--server-port', port, '--output-dir', outputDir];
  const argv = ['run', ...flags, ...about, '--', process.execPath, compiled('bench.js'), port];
  say(`stagewatch ${argv.join(' ')}\n`);
  const before = new Set(listSessions());
  const { output, exitCode } = await runStagewatch(argv);
  const session = listSessions().find((name) => !before.has(name));
  if (session === undefined) {
    say('stagewatch left no session: see above');
    return exitCode || 1;
  }
  showSession(join(outputDir, session), readResults(output));
  return exitCode;
}

async function runStagewatch(argv: readonly string[]): Promise<{ output: string; exitCode: number }> {
  const main = compiled('../../src/cli/main.js');
  const child = spawn(process.execPath, [main, ...argv], { stdio: ['ignore', 'pipe', 'inherit'] });
  // A terminal sends Ctrl-C to both: the server must live until stagewatch has ended.
  const wait = (): void => {};
  process.on('SIGINT', wait).on('SIGTERM', () => child.kill('SIGTERM'));
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    process.stdout.write(chunk);
  });
  const [exitCode] = (await once(child, 'close')) as [number | null];
  process.off('SIGINT', wait);
  return { output, exitCode: exitCode ?? 1 };
}

function listSessions(): string[] {
  return existsSync(outputDir) ? readdirSync(outputDir).toSorted() : [];
}

function showSession(session: string, results: ReadonlyMap<string, BenchResult>): void {
  const stages = readStages(session);
  const header = ['stage', 'span', 'duration', 'QPS', 'p99', 'server CPU', 'RSS', 'samples', 'top functions'];
  const rows = stages.map((stage, index) => rowOf(stage, index + 1, results.get(stage.stage)));
  process.stdout.write(`\n${table([header, ...rows])}\nsession: ${resolve(session)}\n`);
  for (const { stage, flamegraph } of stages)
    if (flamegraph !== undefined) process.stdout.write(`flame graph of ${stage}: ${resolve(flamegraph)}\n`);
}

function rowOf(stage: StageResult, span: number, result: BenchResult | undefined): string[] {
  return [
    stage.stage,
    String(span),
    `${(stage.durationMs / 1000).toFixed(2)} s`,
    result ? Math.round(result.qps).toLocaleString('en') : '-',
    result ? `${result.p99Ms.toFixed(2)} ms` : '-',
    stage.cpuPercent === undefined ? '-' : `${Math.round(stage.cpuPercent)} %`,
    stage.rssBytes === undefined ? '-' : `${(stage.rssBytes / 2 ** 20).toFixed(1)} MiB`,
    stage.samples === undefined ? '-' : String(stage.samples),
    stage.top.map(([name, share]) => `${name} ${Math.round(share * 100)} %`).join(', ') || '-',
  ];
}

function table(rows: readonly string[][]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map(
      (row) =>
        row
          .map((cell, column) => cell.padEnd(widths[column]!))
          .join('  ')
          .trimEnd() + '\n',
    )
    .join('');
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

try {
  process.exitCode = await demo();
} catch (error) {
  say(messageOf(error));
  process.exitCode = 5;
}
