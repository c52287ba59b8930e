import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Collapse } from '../src/perf/collapse.ts';
import { foldPerfData } from '../src/perf/fold-run.ts';
import { renderFlamegraphs } from '../src/perf/flamegraph-run.ts';
import { ArmedRecord } from '../src/perf/record.ts';
import { perfEnvironment } from '../src/perf/run.ts';
import type { EndedSpan } from '../src/stage/span.ts';
import { localTarget } from '../test/perf/local-host.ts';
import { startLoad } from '../test/perf/load.ts';
import { startServer } from '../test/servers/start.ts';

const cli = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const wantedSamples = 100_000;
/** Of this server's stacks, about; depends on the load. */
const bytesPerSample = 220;
const repeats = 5;

/**
 * From a perf.data of about 100,000 samples to a flame graph, beside what `perf report` takes for its stacks alone: by
 * the command, and by the two background children of a span's hooks. CPU times are of all children, theirs too: on a
 * busy machine their ratio still holds.
 */
export async function run(print: (line: string) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'stagewatch-bench-'));
  try {
    await using server = await startServer();
    const target = localTarget(server.pid, 'valkey-server');
    const file = join(folder, 'perf.data');
    const html = join(folder, 'flamegraph.html');
    const folded = join(folder, 'stacks.folded');
    const span = await recordBusy(server.port, target, file);
    const foldOnce = (): ReturnType<typeof foldPerfData> =>
      foldPerfData(target, { perfData: [file], spans: [span], foldedPath: () => folded });
    const { samples, peakBytes } = await foldOnce();
    print(`perf.data: ${samples} samples, ${(statSync(file).size / 1e6).toFixed(1)} MB`);

    const report = new Times();
    const command = new Times();
    const hooks = new Times();
    for (let repeat = 0; repeat < repeats; repeat++) {
      await report.add(() => perfReport(file, samples));
      await command.add(() => flamegraph(file, ['-o', html], samples));
      await hooks.add(async () => {
        await foldOnce();
        await renderFlamegraphs(target, [{ title: 'get', facts: [], folded, html }]);
      });
      if (totalOf(readFileSync(folded, 'utf8')) !== samples) throw new Error('our stacks miss samples');
    }
    print(`perf report -g folded,0      ${report.told}`);
    print(`stagewatch flamegraph        ${command.told}, ${command.besides(report)}`);
    print(`perf-record, flamegraph hook ${hooks.told}, ${hooks.besides(report)}`);
    print(`the folding child's memory ${(peakBytes / 1e6).toFixed(0)} MB`);
    print(`flamegraph.html ${(statSync(html).size / 1e3).toFixed(0)} kB`);
    await foldText(file, join(folder, 'script.txt'), samples, print);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `perf script` text to folded stacks by the command, its start included, beside `cat`, which only reads it. */
async function foldText(
  data: string,
  text: string,
  samples: number,
  print: (line: string) => void,
): Promise<void> {
  const output = openSync(text, 'w');
  const argv = ['script', '-i', data, '-F', 'comm,pid,tid,time,ip,sym,dso'];
  spawnSync('perf', argv, {
    stdio: ['ignore', output, 'ignore'],
    env: { ...process.env, ...perfEnvironment },
  });
  closeSync(output);
  const megabytes = statSync(text).size / 1e6;
  const cat = new Times();
  const own = new Times();
  const folded = `${text}.folded`;
  for (let repeat = 0; repeat < repeats; repeat++) {
    await cat.add(() => spawnSync('cat', [text], { stdio: ['ignore', 'ignore', 'ignore'] }));
    await own.add(() => flamegraph(text, ['--format', 'folded', '-o', folded], samples));
    const total = totalOf(readFileSync(folded, 'utf8'));
    if (total !== samples) throw new Error(`${total} samples in the text, not ${samples}`);
  }
  print(`perf script text, ${megabytes.toFixed(0)} MB`);
  const rate = ({ wallMs, cpuMs }: Times): string =>
    `${((megabytes / wallMs) * 1e3).toFixed(0)} MB/s, ${((megabytes / cpuMs) * 1e3).toFixed(0)} MB for a second of CPU`;
  print(`cat                          ${cat.told}`);
  print(`stagewatch flamegraph        ${own.told}: ${rate(own)}`);
  inProcess(text, samples, megabytes, print);
}

/** The same without the start of a process, in one that has been at it for a while. */
function inProcess(text: string, samples: number, megabytes: number, print: (line: string) => void): void {
  const cpuMs: number[] = [];
  const buffer = Buffer.allocUnsafe(256 * 1024);
  for (let repeat = 0; repeat < repeats; repeat++) {
    const began = process.cpuUsage();
    const collapse = new Collapse();
    const file = openSync(text, 'r');
    for (let read; (read = readSync(file, buffer)) > 0;) collapse.push(buffer.subarray(0, read));
    closeSync(file);
    collapse.end();
    const total = totalOf(collapse.folded().join('\n'));
    const { user, system } = process.cpuUsage(began);
    cpuMs.push((user + system) / 1e3);
    if (total !== samples) throw new Error(`${total} samples in the text, not ${samples}`);
  }
  print(
    `folding alone                CPU median ${median(cpuMs).toFixed(0)} ms of ${repeats}: ${((megabytes / median(cpuMs)) * 1e3).toFixed(0)} MB for a second of CPU`,
  );
}

/** What repeats of one work took. */
class Times {
  readonly #wallMs: number[] = [];
  #cpuMs = 0;

  async add(work: () => unknown): Promise<void> {
    const cpuMs = childrenCpuMs();
    const began = performance.now();
    await work();
    this.#wallMs.push(performance.now() - began);
    this.#cpuMs += childrenCpuMs() - cpuMs;
  }

  /** Median. */
  get wallMs(): number {
    return median(this.#wallMs);
  }

  /** Mean: the kernel tells it in steps of 10 ms. */
  get cpuMs(): number {
    return this.#cpuMs / this.#wallMs.length;
  }

  get told(): string {
    return `median ${this.wallMs.toFixed(0)} ms of ${this.#wallMs.length}, CPU ${this.cpuMs.toFixed(0)} ms`;
  }

  besides(other: Times): string {
    return `ratio ${(this.wallMs / other.wallMs).toFixed(2)}, by CPU ${(this.cpuMs / other.cpuMs).toFixed(2)}`;
  }
}

/** Of all children that have ended, and theirs. */
function childrenCpuMs(): number {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  // Fields are counted after the name, which may hold blanks; cutime and cstime are the 16th and 17th, in USER_HZ.
  const [, user, system] = /\)(?: \S+){13} (\d+) (\d+)/.exec(stat) ?? [];
  return (Number(user) + Number(system)) * 10;
}

function flamegraph(input: string, flags: readonly string[], samples: number): void {
  const { stdout, stderr } = spawnSync(process.execPath, [cli, 'flamegraph', input, ...flags], {
    encoding: 'utf8',
  });
  const drawn = Number(/([\d,]+) samples/.exec(stdout)?.[1]?.replaceAll(',', ''));
  if (drawn !== samples) throw new Error(`stagewatch draws ${drawn} samples, not ${samples}: ${stderr}`);
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

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
