import { open } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { messageOf, UsageError } from '../error.ts';
import { readPageScript, reportPage } from '../report/page.ts';
import { writeResult } from './output.ts';

interface Flags {
  readonly output?: string;
}

export const command = new Command('report')
  .summary('make one page of a session: answer, charts, flame graphs, comparisons')
  .description(
    'Makes report.html: one file that opens from disk, offline. Works on sessions that still run, were cut short, or come ' +
      'from elsewhere. With several sessions, one page has them all.',
  )
  .argument('<session...>', 'session folders')
  .option('-o, --output <file>', 'where to; report.html in the (first) session folder without')
  .addHelpText('after', '\nExample:\n  stagewatch report stage_perf/2026-11-23T04-41-17Z-bench\n')
  .action(async (folders: string[], flags: Flags) => {
    const page = await reportPage(folders, await readPageScript('report'));
    const file = flags.output ?? join(folders[0]!, 'report.html');
    await writePage(file, page);
    writeResult(1, `${resolve(file)}\n`);
  });

/** @throws {UsageError} output-file. */
async function writePage(path: string, page: string): Promise<void> {
  try {
    // A link in a folder that is not ours must not lead the page elsewhere.
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
    await using file = await open(path, flags, 0o600);
    await file.writeFile(page);
  } catch (cause) {
    throw new UsageError(
      'output-file',
      `Expected --output to be a file that can be written, got "${path}": ${messageOf(cause)}`,
      { cause },
    );
  }
}
