import { Command } from 'commander';
import { messageOf, StagewatchError } from '../error.ts';
import { type CleanedSession, cleanSession } from '../leftovers/clean.ts';
import { findSessions } from '../leftovers/find.ts';
import { leftPipeFolders, removeFolder } from '../leftovers/temporary.ts';
import { cleanedLines, hasTrouble, isWorthTelling, summaryLine } from './clean-text.ts';
import { codeOfSignal, EXIT } from './exit-code.ts';
import { writeJson, writeResult } from './output.ts';
import { listenForEnd } from './signals.ts';
import { printable } from './text.ts';

interface Flags {
  readonly outputDir: string;
  readonly dryRun?: true;
  readonly collect: boolean;
  readonly json?: string | true;
  /** One line for a session that starts, and no refusals: what `next start` runs. */
  readonly brief?: true;
}

export const command = new Command('clean')
  .summary('put right what a killed session left: processes, settings, files')
  .description(
    'After SIGKILL, a power loss or a reboot: ends what the session started and still runs, makes settings and CPU ' +
      'affinities what they were, removes named pipes, collects what was captured, and ends the journal. Only what the ' +
      'journal names is touched: a process with the same PID and start time, a setting that is still as we left it. ' +
      'The password of a server comes from VALKEYCLI_AUTH. Sessions that still run are left alone.',
  )
  .argument('[session...]', 'session folders; all that were cut short in the output folder without any')
  .option('--output-dir <dir>', 'where session folders are made', './stage_perf')
  .option('--dry-run', 'tell what would be done, and do nothing')
  .option('--no-collect', 'leave the collecting to "stagewatch collect"')
  .option('--brief', 'one line, and only when there was something to do')
  .option('--json [file]', 'the result as JSON')
  .addHelpText(
    'after',
    `
Examples:
  stagewatch clean --dry-run
  stagewatch clean stage_perf/2026-11-23T04-41-17Z-bench
`,
  )
  .action(async (folders: string[], flags: Flags) => {
    using signals = listenForEnd(() => {});
    const options = { dryRun: flags.dryRun ?? false, collect: flags.collect, stop: signals.stop };
    const cleaned: CleanedSession[] = [];
    const refused: string[] = [];
    const running: string[] = [];
    const named = folders.length > 0;
    for (const folder of named ? folders : await leftIn(flags, running)) {
      if (signals.received) break;
      try {
        cleaned.push(await cleanSession(folder, options));
      } catch (error) {
        // One that was named is a slip; of the others each is told, and the rest is cleaned.
        if (!(error instanceof StagewatchError) || (named && !flags.brief)) throw error;
        refused.push(messageOf(error));
      }
    }
    const pipes = await removePipes(options.dryRun);
    report(flags, cleaned, { refused, running, pipes });
    const isWhole = refused.length === 0 && !cleaned.some(hasTrouble);
    process.exitCode = signals.received
      ? codeOfSignal(signals.received)
      : isWhole
        ? EXIT.done
        : EXIT.incomplete;
  });

/** Also those with an end: one may have left a setting whose server was away then. */
async function leftIn({ outputDir }: Flags, running: string[]): Promise<string[]> {
  const found = await findSessions(outputDir);
  running.push(...found.filter(({ writer }) => writer === 'running').map(({ folder }) => folder));
  return found.filter(({ writer }) => writer === 'gone').map(({ folder }) => folder);
}

async function removePipes(dryRun: boolean): Promise<string[]> {
  const removed: string[] = [];
  for (const path of await leftPipeFolders()) if (dryRun || (await removeFolder(path))) removed.push(path);
  return removed;
}

interface Others {
  readonly refused: readonly string[];
  readonly running: readonly string[];
  readonly pipes: readonly string[];
}

function report(flags: Flags, cleaned: readonly CleanedSession[], others: Others): void {
  const { refused, running, pipes } = others;
  const told = cleaned.filter(isWorthTelling);
  const dryRun = flags.dryRun ?? false;
  if (flags.json !== undefined)
    writeJson(flags.json, { version: 1, dryRun, sessions: told, refused, running, pipes });
  if (flags.json === true) return;
  if (flags.brief) {
    const line = told.length > 0 ? summaryLine(told) : undefined;
    if (line !== undefined) writeResult(1, `${line}\n`);
    return;
  }
  const lines = told.flatMap((session) => cleanedLines(session, dryRun));
  lines.push(...refused.map((reason) => `not cleaned: ${printable(reason, 400)}`));
  if (pipes.length > 0)
    lines.push(
      `${dryRun ? 'would remove' : 'removed'} ${pipes.length} ${pipes.length === 1 ? 'folder' : 'folders'} of named pipes that a killed "run" left`,
    );
  if (running.length > 0)
    lines.push(
      `${running.length} ${running.length === 1 ? 'session still runs, and was' : 'sessions still run, and were'} left alone`,
    );
  if (told.length === 0 && refused.length === 0 && pipes.length === 0)
    lines.push(
      `nothing was left: ${cleaned.length} ${cleaned.length === 1 ? 'session was' : 'sessions were'} looked at`,
    );
  writeResult(1, `${lines.join('\n')}\n`);
}
