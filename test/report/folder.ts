import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A session folder written by hand: journal lines without their times, and other files by path. */
export async function sessionFolder(
  events: readonly object[],
  files: Readonly<Record<string, string>> = {},
): Promise<{ folder: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'stagewatch-report-'));
  const t0 = Date.parse('2026-01-02T03:04:05Z');
  const lines = events.map((event, i) =>
    JSON.stringify({ t: new Date(t0 + i * 1000).toISOString(), monoNs: 5e9 + i * 1e9, ...event }),
  );
  await writeFile(join(folder, 'events.ndjson'), `${lines.join('\n')}\n`);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(folder, dirname(path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}
