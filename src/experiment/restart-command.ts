import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchmarkError } from '../bench/error.ts';
import { StagewatchError, UsageError } from '../error.ts';
import { Children } from '../restore/children.ts';
import { redactText } from '../target/redact.ts';
import { ControlClient, type ServerAddress } from '../valkey/client.ts';
import { parseInfo } from '../valkey/info.ts';
import { splitWords } from './split-words.ts';

/** A user's command that restarts the server with other settings. */
export interface RestartCommand {
  /** `{io-threads}` in a word stands for the value of that setting. */
  readonly argv: readonly string[];
  /** The command, and the server's start after it, may take so long each, ms. */
  readonly timeoutMs: number;
}

/** Between looks at a server that starts, ms. */
const lookEveryMs = 100;
/** Of the command's output, for messages, characters. */
const keepOutput = 2_000;

/** @param text as `--restart-command` has it. @throws {UsageError} bad-command */
export function parseRestartCommand(text: string, timeoutMs = 60_000): RestartCommand {
  const argv = splitWords(text, '--restart-command');
  if (argv.length === 0)
    throw new UsageError('bad-command', 'Expected --restart-command to be a command, got nothing.');
  return { argv, timeoutMs };
}

/** From fork to setsid, generously, ms. */
const daemonLeavesMs = 300;

/** `io-threads` becomes `STAGEWATCH_CONFIG_IO_THREADS`. */
export function variableOf(setting: string): string {
  return `STAGEWATCH_CONFIG_${setting.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`;
}

/** The words with the values in place of `{name}`; what is in braces and is no setting stays. */
export function fillIn(argv: readonly string[], settings: ReadonlyMap<string, string>): string[] {
  return argv.map((word) =>
    word.replaceAll(/\{([\w.-]+)\}/g, (whole, name: string) => settings.get(name.toLowerCase()) ?? whole),
  );
}

/**
 * Restarts the server with these settings; resolves when another process than before answers there, and has loaded its
 * data.
 * @throws {BenchmarkError} restart-failed, not-restarted, server-gone.
 */
export async function restartServer(
  command: RestartCommand,
  settings: ReadonlyMap<string, string>,
  address: ServerAddress,
): Promise<void> {
  const before = await runIdAt(address).catch(() => undefined);
  const argv = fillIn(command.argv, settings);
  const env = Object.fromEntries([...settings].map(([name, value]) => [variableOf(name), value]));
  await runToEnd(argv, env, command.timeoutMs);
  const deadline = performance.now() + command.timeoutMs;
  for (;;) {
    const { state, message } = await lookAt(address, before);
    if (state === 'ready') return;
    if (performance.now() >= deadline)
      throw new BenchmarkError(
        state === 'same' ? 'not-restarted' : 'server-gone',
        state === 'same'
          ? `${argv[0]} ended, but the server is still the same process as before: it was not restarted.`
          : `${argv[0]} ended, but no server answers ${command.timeoutMs / 1000} s later: ${message}. What the command leaves behind in its own process group is ended with it: start the server with "daemonize yes", setsid, systemd or docker.`,
      );
    await sleep(lookEveryMs);
  }
}

async function runToEnd(
  argv: readonly string[],
  env: Record<string, string>,
  timeoutMs: number,
): Promise<void> {
  await using children = new Children();
  const child = children.spawn(argv, { env });
  let said = '';
  const keep = (stream: Readable | null): void =>
    void stream?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-keepOutput)));
  keep(child.stdout);
  keep(child.stderr);
  const timer = new AbortController();
  // The process only: the server that it started may hold its pipes.
  const end = await Promise.race([
    child.ended,
    sleep(timeoutMs, undefined, { signal: timer.signal }).catch(() => undefined),
  ]);
  timer.abort();
  if (end?.state === 'exited' && end.exitCode === 0) {
    // What is left of its group is ended now: a daemon leaves it a moment after the one that forked it has ended.
    await sleep(daemonLeavesMs);
    return;
  }
  const how =
    end === undefined
      ? `had not ended after ${timeoutMs / 1000} s`
      : end.state === 'exited'
        ? `ended with exit code ${end.exitCode}`
        : end.state === 'killed'
          ? `was ended by ${end.signal}`
          : `could not be started: ${end.error.message}`;
  const last = redactText(said.trim().split('\n').at(-1) ?? '');
  throw new BenchmarkError(
    'restart-failed',
    `--restart-command ${argv[0]} ${how}.${last === '' ? '' : ` It said last: "${last}"`}`,
  );
}

interface Look {
  readonly state: 'ready' | 'same' | 'not-yet';
  readonly message: string;
}

async function lookAt(address: ServerAddress, before: string | undefined): Promise<Look> {
  try {
    return (await runIdAt(address)) === before
      ? { state: 'same', message: '' }
      : { state: 'ready', message: '' };
  } catch (error) {
    if (!(error instanceof StagewatchError)) throw error;
    return { state: 'not-yet', message: error.message };
  }
}

/** @throws {StagewatchError} when it does not answer, or is loading. */
async function runIdAt(address: ServerAddress): Promise<string> {
  // A client that was refused once is silent for a second.
  await using client = new ControlClient(address);
  await client.askText(['PING']);
  const runId = parseInfo(await client.askText(['INFO', 'server'])).text('run_id');
  if (runId === undefined)
    throw new StagewatchError('not-a-server', `${client.where}: expected INFO to name its run_id`);
  return runId;
}
