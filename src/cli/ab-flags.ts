import { basename } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { driverNames } from '../bench/drivers/find.ts';
import { UsageError } from '../error.ts';
import { addBenchFlags, type BenchFlags } from './bench-flags.ts';
import { addCompareFlags, type CompareOutputFlags, type JudgeFlags } from './compare-output.ts';
import { integer, timeMs } from './flags.ts';
import { percentage } from './percent.ts';

export interface AbServer {
  readonly host: string;
  readonly port: number;
}

export interface AbFlags extends BenchFlags, JudgeFlags, CompareOutputFlags {
  readonly a?: AbServer;
  readonly b?: AbServer;
  readonly pairs?: number;
  readonly precision?: number;
  readonly maxRuns?: number;
  readonly maxTime?: number;
}

/** They say which server, or change one: here there are two. */
const MEANINGLESS: readonly (readonly [flag: string, name: keyof BenchFlags])[] = [
  ['--host', 'host'],
  ['--port', 'port'],
  ['--cluster', 'cluster'],
  ['--container', 'container'],
  ['--server-pid', 'serverPid'],
  ['--server-port', 'serverPort'],
  ['--server-name', 'serverName'],
  ['--all-servers', 'allServers'],
  ['--set-config', 'setConfig'],
  ['--restart-command', 'restartCommand'],
  ['--server-cpus', 'serverCpus'],
];

const MEANINGS: Readonly<Record<string, string>> = {
  '--json': 'the comparison as JSON, to standard output or a file',
  '--output': 'every run as a row of CSV',
};

export function addAbFlags(command: Command): Command {
  command
    .optionsGroup('Sides:')
    .option('--a <host:port>', 'the base: a server, localhost where only a port is given', server)
    .option('--b <host:port>', 'what is new', server)
    .option('--pairs <n>', 'pairs of runs (12); with --precision at least so many (5)', integer(1, 50_000))
    .option(
      '--precision <percent>',
      'go on until the change of QPS is known as closely: 1%',
      percentage(0.01, 100),
    )
    .option('--max-runs <n>', 'runs in all (200)', integer(2, 100_000))
    .option('--max-time <time>', 'no pair is begun after it: 10m (1h)', timeMs);
  addBenchFlags(addCompareFlags(command));
  for (const option of command.options)
    option.description = MEANINGS[option.long ?? ''] ?? option.description;
  for (const option of command.options)
    if (option.long === '--yes' || MEANINGLESS.some(([flag]) => flag === option.long)) option.hideHelp();
  return command;
}

/**
 * Flags of the benchmark may stand behind `--`, after the name of its program or without: they are taken as if they
 * stood before it.
 * @throws {UsageError} benchmark-words
 */
export function takeBenchmarkWords(command: Command, words: readonly string[]): void {
  const [first, ...rest] = words;
  if (first === undefined) return;
  const isProgram = !first.startsWith('-');
  if (isProgram && !driverNames.some((name) => name === basename(first)))
    throw new UsageError(
      'benchmark-words',
      `Expected behind -- flags of a benchmark, like -t get -n 100000, or one of ${driverNames.join(', ')} with them, got "${first}"`,
    );
  if (isProgram) command.setOptionValueWithSource(first.includes('/') ? 'binary' : 'driver', first, 'cli');
  const inner = addBenchFlags(command.createCommand(command.name()))
    .copyInheritedSettings(command)
    .allowExcessArguments();
  inner.parse(isProgram ? rest : [...words], { from: 'user' });
  const [stray] = inner.args;
  if (stray !== undefined)
    throw new UsageError('benchmark-words', `Expected flags of a benchmark behind --, got "${stray}"`);
  for (const [name, value] of Object.entries(inner.opts()))
    if (inner.getOptionValueSource(name) === 'cli') command.setOptionValueWithSource(name, value, 'cli');
}

/** Both servers. @throws {UsageError} servers; two-servers, for flags that know one server only. */
export function serversOf(flags: AbFlags): { readonly a: AbServer; readonly b: AbServer } {
  const { a, b } = flags;
  if (a === undefined || b === undefined)
    throw new UsageError('servers', 'Expected both servers, --a HOST:PORT and --b HOST:PORT');
  const given = MEANINGLESS.find(([, name]) => flags[name as keyof AbFlags] !== undefined);
  if (given)
    throw new UsageError(
      'two-servers',
      `Expected no ${given[0]} with ab: --a and --b name the servers, which are started and set up before`,
    );
  return { a, b };
}

/** `HOST:PORT`, `[::1]:PORT`, or `PORT` of this machine. */
function server(value: string): AbServer {
  const [, bracketed, plain, digits = ''] = /^(?:(?:\[([^\]]+)\]|([^:[\]]+)):)?(\d+)$/.exec(value) ?? [];
  const port = Number(digits);
  if (digits === '' || port < 1 || port > 65_535)
    throw new InvalidArgumentError(`Expected HOST:PORT, like 127.0.0.1:6379, got "${value}".`);
  return { host: bracketed ?? plain ?? '127.0.0.1', port };
}
