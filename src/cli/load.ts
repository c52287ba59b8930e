import { Command } from 'commander';
import { UsageError } from '../error.ts';
import { LoadError } from '../load/error.ts';
import { Hold } from '../load/hold.ts';
import { runLoad, type LoadEvent } from '../load/load.ts';
import type { LoadOptions } from '../load/options.ts';
import { formatStart } from '../stage/emitter.ts';
import { parseStage, type Stage } from '../stage/stage.ts';
import { EXIT, codeOfSignal } from './exit-code.ts';
import { addLoadFlags, type LoadFlags } from './load-flags.ts';
import { toLoadOptions } from './load-options.ts';
import { LoadOutput, LoadProgress } from './load-output.ts';
import { errorKinds, stateOf } from './load-text.ts';
import { writeResult } from './output.ts';
import { listenForEnd } from './signals.ts';
import { printable } from './text.ts';

const EXAMPLES = `
Operations (-t): ping ping_inline set get incr hset lpush rpush lpop rpop sadd spop zadd zpopmin mset lrange_100
(_300, _500, _600), as valkey-benchmark has them; vec-load vec-query vec-delete vec-update.

Examples:
  stagewatch load -t set,get -n 100000 -r 10000 -P 16
  stagewatch load -t get:0.8,set:0.2 --duration 30 --rps 20000 --stage get
  stagewatch load -t vec-load --dataset c10k && stagewatch load -t vec-query --dataset c10k --ef-search 100
  stagewatch load -n 10000 -r 1000 -- ZADD board __rand_int__ player:__rand_int__
`;

export const command = addLoadFlags(
  new Command('load')
    .summary('drive a server, and measure throughput, latency and recall')
    .description(
      'Drives a Valkey or Redis server and measures throughput, latency and recall. Error replies are errors, and a run ' +
        'that means nothing has no result.',
    )
    .argument('[command...]', 'a command after --, with __rand_int__ and __data__'),
)
  .addHelpText('after', EXAMPLES)
  .action(async (words: string[], flags: LoadFlags) => {
    const loads = toLoadOptions(flags, words, process.env);
    const stages = loads.map((load) => stageOf(flags.stage, load, loads.length));
    const output = new LoadOutput({ ...flags, quiet: flags.quiet ?? false });
    if (flags.pass !== undefined && !flags.quiet)
      writeResult(
        2,
        'stagewatch: -a shows the password in ps and in the shell history: VALKEYCLI_AUTH does not\n',
      );
    using hold = flags.hold ? holdFor(loads) : undefined;
    using signals = listenForEnd((signal, count) => {
      if (count > 1) process.exit(codeOfSignal(signal));
    });
    const stop = hold === undefined ? signals.stop : AbortSignal.any([signals.stop, hold.gone]);
    const runtime = hold === undefined ? {} : { beforeMeasuring: () => hold.wait() };
    try {
      for (const [i, load] of loads.entries()) {
        using progress = new LoadProgress(stages[i], flags.quiet ?? false);
        const onEvent = (event: LoadEvent): void => {
          if (event.type === 'ended') hold?.ended();
          progress.onEvent(event);
        };
        const result = await runLoad(load, stop, onEvent, runtime);
        progress[Symbol.dispose]();
        const state = stateOf(result, flags.allowErrors ?? false);
        await output.add(result, state);
        for (const { code, message } of result.warnings)
          writeResult(2, `stagewatch: ${code}: ${printable(message, 600)}\n`);
        if (state === 'failed') {
          process.exitCode = EXIT.benchmarkFailed;
          writeResult(
            2,
            `stagewatch: ${result.errorCount} of ${result.requests} replies of ${printable(result.name)} were errors (${errorKinds(result)}); --allow-errors lets them pass\n`,
          );
        }
        if (signals.received) break;
      }
      output.finish();
    } catch (error) {
      if (!(error instanceof LoadError)) throw error;
      output.finish(error);
      writeResult(2, `stagewatch: ${(flags.verbose && error.stack) || printable(error.message, 800)}\n`);
      process.exitCode = EXIT.benchmarkFailed;
    }
    if (signals.received) process.exitCode = codeOfSignal(signals.received);
  });

/** With several operations each is a stage of its own: the operation is its tag. */
function stageOf(label: string | undefined, load: LoadOptions, loads: number): Stage | undefined {
  if (label === undefined) return undefined;
  const stage = parseStage(label);
  if (loads > 1 && stage.tag !== undefined)
    throw new UsageError(
      'stage-tag',
      `Expected --stage without a tag for several operations, got "${label}".`,
    );
  const tagged = loads > 1 ? { name: stage.name, tag: load.work.name } : stage;
  formatStart(tagged); // refuses a bad name before anything has begun
  return tagged;
}

/** A held load is one stage of somebody else's. */
function holdFor(loads: readonly LoadOptions[]): Hold {
  if (loads.length > 1)
    throw new UsageError(
      'several-operations',
      `Expected one operation for a run that is one stage, got ${loads.map(({ work }) => work.name).join(', ')}.`,
    );
  return Hold.open();
}
