import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FileSource } from '../src/source/file.ts';
import type { Marker } from '../src/stage/marker.ts';
import { MarkerScanner } from '../src/stage/scanner.ts';

const APPENDS = 150;

/** Writes markers that carry the time of their writing; between them what its third argument says. */
const WRITER = `
const { appendFileSync, renameSync, truncateSync } = require('node:fs');
const [path, appends, disturb] = process.argv.slice(1);
let i = 0;
const append = () => {
  if (disturb === 'rename' && i % 10 === 9) renameSync(path, path + '.' + i);
  if (disturb === 'truncate' && i % 10 === 9) truncateSync(path);
  appendFileSync(path, '[STAGE:START] s' + i + ' at=' + process.hrtime.bigint() + '\\n');
  if (++i < Number(appends)) setTimeout(append, 10 + Math.random() * 20);
};
append();
`;

type Follow = (
  path: string,
  take: (markers: readonly Marker[], atNs: bigint) => void,
) => Promise<() => Promise<void>>;

/** From the moment before an append, by another process, to the marker: 150 appends, 10-30 ms apart. */
export async function run(print: (line: string) => void): Promise<void> {
  print('                          seen      p50      p99      max   (ms)');
  for (const disturb of ['', 'rename', 'truncate'])
    print(`stagewatch ${disturb.padEnd(12)} ${await measure(followSource, disturb)}`);
  for (const disturb of ['', 'rename', 'truncate'])
    print(`tail -F    ${disturb.padEnd(12)} ${await measure(followTail, disturb)}`);
}

async function measure(follow: Follow, disturb: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'stagewatch-bench-'));
  const path = join(folder, 'bench.log');
  const delaysMs: number[] = [];
  try {
    writeFileSync(path, '');
    const stop = await follow(path, (markers, atNs) => {
      for (const { attributes } of markers)
        delaysMs.push(Number(atNs - BigInt(attributes[0]?.[1] ?? 0)) / 1e6);
    });
    const writer = spawn(process.execPath, ['-e', WRITER, path, String(APPENDS), disturb], {
      stdio: 'inherit',
    });
    await once(writer, 'exit');
    await sleep(2_000);
    await stop();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  delaysMs.sort((a, b) => a - b);
  const at = (share: number): string =>
    (delaysMs[Math.min(delaysMs.length - 1, Math.floor(share * delaysMs.length))] ?? NaN)
      .toFixed(2)
      .padStart(8);
  return `${String(delaysMs.length).padStart(3)}/${APPENDS} ${at(0.5)} ${at(0.99)} ${at(1)}`;
}

const followSource: Follow = async (path, take) => {
  const source = new FileSource({ path });
  await source.start({ batch: ({ markers, atNs }) => take(markers, atNs), notice: () => {} });
  return () => source.stop();
};

const followTail: Follow = async (path, take) => {
  const scanner = new MarkerScanner();
  const tail = spawn('tail', ['-n', '+1', '-F', path], { stdio: ['ignore', 'pipe', 'ignore'] });
  tail.stdout.on('data', (chunk: Buffer) => take(scanner.scan(chunk), process.hrtime.bigint()));
  await once(tail, 'spawn');
  await sleep(100);
  return async () => {
    tail.kill();
    await once(tail, 'exit');
  };
};
