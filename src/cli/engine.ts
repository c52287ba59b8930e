import { Command, Option } from 'commander';
import { startEngine } from '../engine/start.ts';
import { hnswProviders, type HnswProviderName } from '../engine/vector/provider.ts';
import { EXIT, codeOfSignal } from './exit-code.ts';
import { integer } from './flags.ts';
import { writeResult } from './output.ts';
import { listenForEnd } from './signals.ts';

interface Flags {
  readonly port: number;
  readonly bind: string;
  readonly requirepass?: string;
  readonly maxclients: number;
  readonly hnsw?: HnswProviderName;
  readonly perfMap: boolean;
  readonly endWithStdin?: true;
}

export const command = new Command('engine')
  .summary('run the embedded vector server: for demos, tests and learning')
  .description(
    'Runs a small vector server that speaks RESP: strings, hashes, lists, sets, and FT.CREATE / FT.SEARCH with HNSW and ' +
      'FLAT indexes. It is NO DATABASE: it keeps nothing, forgets everything at its end, and is there so that a benchmark ' +
      'has something to run against on a machine without Valkey or Redis.',
  )
  .option('--port <n>', 'TCP port; 0 takes a free one', integer(0, 65_535), 0)
  .option('--bind <address>', 'address to listen on; others than loopback need --requirepass', '127.0.0.1')
  .option('--requirepass <password>', 'what clients must give with AUTH')
  .option('--maxclients <n>', 'connections at one time', integer(1, 1_000_000), 10_000)
  .addOption(
    new Option('--hnsw <which>', 'which HNSW serves; without: the addon where it could be built').choices(
      hnswProviders,
    ),
  )
  .option('--no-perf-map', 'write no names of JavaScript frames for perf into /tmp')
  .option('--end-with-stdin', 'end when standard input ends: when the program that started us is gone')
  .option('-v, --verbose', 'stacks of errors')
  .addHelpText(
    'after',
    '\nPrints one line when it is ready, and runs until SIGINT, SIGTERM or SHUTDOWN:\n' +
      '  stagewatch-engine ready on 127.0.0.1:PORT pid PID hnsw=hnswlib-node\n' +
      '\nExample:\n  stagewatch engine --port 6400\n',
  )
  .action(async (flags: Flags) => {
    using signals = listenForEnd(() => {});
    await using engine = await startEngine({
      port: flags.port,
      bind: flags.bind,
      maxClients: flags.maxclients,
      perfMap: flags.perfMap,
      ...(flags.requirepass === undefined ? {} : { password: flags.requirepass }),
      ...(flags.hnsw === undefined ? {} : { hnsw: flags.hnsw }),
    });
    const at = flags.bind.includes(':') ? `[${flags.bind}]` : flags.bind;
    writeResult(1, `stagewatch-engine ready on ${at}:${engine.port} pid ${engine.pid} hnsw=${engine.hnsw}\n`);
    const asked = new Promise<'asked'>((resolve) => {
      signals.stop.addEventListener('abort', () => resolve('asked'), { once: true });
      if (signals.stop.aborted) resolve('asked');
      if (flags.endWithStdin) process.stdin.once('end', () => resolve('asked')).resume();
    });
    // A pending promise keeps no process alive, and the engine's handles are not ours to wait for.
    const keepAlive = setInterval(() => {}, 1 << 30);
    const end = await Promise.race([asked, engine.ended]);
    clearInterval(keepAlive);
    if (end === 'asked') process.exitCode = signals.received ? codeOfSignal(signals.received) : EXIT.done;
    else process.exitCode = end.exitCode === 0 ? EXIT.done : EXIT.incomplete;
  });
