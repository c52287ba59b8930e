import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Collapse } from '../src/perf/collapse.ts';
import { foldPerfData } from '../src/perf/fold-run.ts';
import { renderFlamegraphs } from '../src/perf/flamegraph-run.ts';
import { ArmedRecord } from '../src/perf/record.ts';
import { perfEnvironment } from '../src/perf/run.ts';
import type { EndedSpan } from '../src/stage/span.ts';
import { localTarget } from '../test/perf/local-host.ts';
import { startLoad } from '../test/perf/load.ts';
import { startServer } from '../test/servers/start.ts';

const wantedSamples = 100_000;
/** Of this server's stacks, about; depends on the load. */
const bytesPerSample = 220;
const repeats = 5;

/** From a perf.data of about 100,000 samples to a flame graph, beside what `perf report` takes for its stacks alone. */
export async function run(print: (line: string) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'stagewatch-bench-'));
  try {
    await using server = await startServer();
    const target = localTarget(server.pid, 'valkey-server');
    const file = join(folder, 'perf.data');
    const span = await recordBusy(server.port, target, file);
    const { samples } = await foldOnce();
    print(`perf.data: ${samples} samples, ${(statSync(file).size / 1e6).toFixed(1)} MB`);

    const report: number[] = [];
    const ours: number[] = [];
    let peakBytes = 0;
    for (let repeat = 0; repeat < repeats; repeat++) {
      report.push(timed(() => perfReport(file, samples)));
      const began = performance.now();
      const folded = await foldOnce();
      await renderFlamegraphs(target, [
        { title: 'get', facts: [], folded: stacksPath(), html: join(folder, 'flamegraph.html') },
      ]);
      ours.push(performance.now() - began);
      peakBytes = Math.max(peakBytes, folded.peakBytes);
      if (totalOf(readFileSync(stacksPath(), 'utf8')) !== samples) throw new Error('our stacks miss samples');
    }
    const [theirs, own] = [median(report), median(ours)];
    print(`perf report -g folded,0      median ${theirs.toFixed(0)} ms of ${repeats}`);
    print(`perf.data to flamegraph.html median ${own.toFixed(0)} ms of ${repeats}`);
    print(
      `ratio ${(own / theirs).toFixed(2)}; the folding child's memory ${(peakBytes / 1e6).toFixed(0)} MB`,
    );
    print(`flamegraph.html ${(statSync(join(folder, 'flamegraph.html')).size / 1e3).toFixed(0)} kB`);
    foldText(file, join(folder, 'script.txt'), samples, print);

    function stacksPath(): string {
      return join(folder, 'stacks.folded');
    }
    function foldOnce(): ReturnType<typeof foldPerfData> {
      return foldPerfData(target, { perfData: [file], spans: [span], foldedPath: stacksPath });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `perf script` text to folded stacks, beside `cat`, which only reads it. */
function foldText(data: string, text: string, samples: number, print: (line: string) => void): void {
  const output = openSync(text, 'w');
  const argv = ['script', '-i', data, '-F', 'comm,pid,tid,time,ip,sym,dso'];
  spawnSync('perf', argv, {
    stdio: ['ignore', output, 'ignore'],
    env: { ...process.env, ...perfEnvironment },
  });
  closeSync(output);
  const bytes = statSync(text).size;
  const rates: number[] = [];
  const cat: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    cat.push(timed(() => spawnSync('cat', [text], { stdio: ['ignore', 'ignore', 'ignore'] })));
    const began = performance.now();
    const collapse = new Collapse();
    const file = openSync(text, 'r');
    const buffer = Buffer.allocUnsafe(256 * 1024);
    for (let read; (read = readSync(file, buffer)) > 0;) collapse.push(buffer.subarray(0, read));
    closeSync(file);
    collapse.end();
    const total = totalOf(collapse.folded().join('\n'));
    rates.push(performance.now() - began);
    if (total !== samples) throw new Error(`${total} samples in the text, not ${samples}`);
  }
  const [own, theirs] = [median(rates), median(cat)];
  print(
    `perf script text, ${(bytes / 1e6).toFixed(0)} MB, to folded stacks: median ${own.toFixed(0)} ms of ${repeats}, ${(bytes / own / 1e3).toFixed(0)} MB/s (cat ${(bytes / theirs / 1e3).toFixed(0)} MB/s)`,
  );
}

/** As long as it takes for the samples wanted, at a frequency that only a benchmark would use. */
async function recordBusy(
  port: number,
  target: ReturnType<typeof localTarget>,
  file: string,
): Promise<EndedSpan> {
  const load = startLoad(port, '-t', 'set,get', '-r', '100000', '-d', '64');
  // From before arming, so that no sample is outside.
  const startNs = process.hrtime.bigint();
  const record = await ArmedRecord.arm(target, {
    event: 'cpu-clock',
    frequency: 8_000,
    callGraph: 'fp',
    file,
  });
  await record.enable();
  while (statSync(file).size < wantedSamples * bytesPerSample) await sleep(50);
  await record.disable();
  const endNs = process.hrtime.bigint();
  await record.end();
  await load[Symbol.asyncDispose]();
  return {
    id: 1,
    stage: { name: 'get' },
    source: 'bench',
    watched: true,
    history: false,
    startNs,
    startedAt: Date.now(),
    attributes: [],
    state: 'finished',
    endNs,
    durationMs: Number(endNs - startNs) / 1e6,
    timing: { state: 'trusted' },
  };
}

function perfReport(file: string, samples: number): void {
  const { stdout } = spawnSync(
    'perf',
    ['report', '-i', file, '--stdio', '--no-children', '-g', 'folded,0,caller,count', '-s', 'comm'],
    {
      encoding: 'utf8',
      maxBuffer: 1 << 30,
      env: { ...process.env, ...perfEnvironment },
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  let total = 0;
  for (const [, count] of stdout.matchAll(/^(\d+) /gm)) total += Number(count);
  if (total !== samples) throw new Error(`perf report counts ${total} samples, not ${samples}`);
}

function totalOf(folded: string): number {
  let total = 0;
  for (const line of folded.trimEnd().split('\n')) total += Number(line.slice(line.lastIndexOf(' ') + 1));
  return total;
}

function timed(work: () => void): number {
  const began = performance.now();
  work();
  return performance.now() - began;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
