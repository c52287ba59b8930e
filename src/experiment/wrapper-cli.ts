import { BenchmarkConfig } from '../bench/config.ts';
import { BenchmarkError } from '../bench/error.ts';
import { runProgram } from '../bench/drivers/program-run.ts';
import { StagewatchError, UsageError } from '../error.ts';
import { ControlClient, type Command, type Reply, type ServerAddress } from '../valkey/client.ts';

/** A command for a server, and where that server is. */
export interface CliCall {
  readonly config: BenchmarkConfig;
  readonly command: Command;
}

/**
 * Reads arguments as valkey-cli does: `-h HOST` and `-p PORT` may stand before the command, and win over the
 * configuration.
 * @throws {UsageError} cli-flag, no-command, bad-config.
 */
export function readCliArgs(args: readonly string[], config: BenchmarkConfig): CliCall {
  let at = 0;
  let wanted = config;
  for (; args[at]?.startsWith('-'); at += 2) {
    const [flag, value = ''] = args.slice(at);
    if (flag === '-h' && value !== '') wanted = wanted.with({ host: value });
    else if (flag === '-p') wanted = wanted.with({ port: value === '' ? NaN : Number(value) });
    else
      throw new UsageError(
        'cli-flag',
        `Expected -h HOST or -p PORT before the command, got "${flag}". User, password and TLS are said in the second argument of cli.`,
      );
  }
  const [name, ...rest] = args.slice(at);
  if (name === undefined || name === '')
    throw new UsageError('no-command', 'Expected a command for the server, like INFO, got none.');
  return { config: wanted, command: [name, ...rest] };
}

/** Where a configuration's server is, and as whom it is asked. */
export function addressOf({ host, port, user, auth, tls }: BenchmarkConfig): ServerAddress {
  return {
    host,
    port,
    ...(user !== undefined && { user }),
    ...(auth !== undefined && { password: auth }),
    ...(tls !== undefined && { tls }),
  };
}

/**
 * Sends one command to the server, and gives the reply as valkey-cli prints it into a pipe, without the last line end.
 * @throws {BenchmarkError} error-reply for an error reply; refused, no-answer, ... when the server cannot be asked.
 */
export async function askServer({ config, command }: CliCall): Promise<string> {
  const { timeoutMs } = config;
  await using client = new ControlClient(addressOf(config));
  const [answer] = await client.ask([command], timeoutMs).catch((error: unknown) => rethrow(error));
  if (answer?.state === 'refused') {
    const { cause } = answer.error;
    // Ours is for people; scripts look for the server's own words.
    const said = cause instanceof Error ? cause.message : answer.error.message;
    throw new BenchmarkError('error-reply', `${client.where} answered ${command[0]} with: ${said}`, {
      cause: answer.error,
    });
  }
  return rawText(answer?.reply ?? null);
}

/** valkey-bench-rs takes an even number of hex digits for bytes in hex, and would send others than were meant. */
const READ_AS_HEX = /^(?:[0-9a-f]{2}){4,}$/i;

/**
 * The same through valkey-bench-rs --cli: the reply is as that prints it, numbers as `(integer) 1`.
 * @throws {UsageError} cli-password, cli-hex: what it would put into its argument list, or send as something else.
 * @throws {BenchmarkError} error-reply, cli-failed, timeout, aborted.
 */
export async function askThrough(
  binary: string,
  { config, command }: CliCall,
  signal: AbortSignal,
): Promise<string> {
  const instead = "the wrapper with driver: 'builtin'";
  if (config.auth !== undefined)
    throw new UsageError(
      'cli-password',
      `Expected no password: valkey-bench-rs takes one in its argument list only, where everybody sees it. Use ${instead}.`,
    );
  const hex = command.find((word) => READ_AS_HEX.test(word));
  if (hex !== undefined)
    throw new UsageError(
      'cli-hex',
      `Expected no word of hex digits alone: valkey-bench-rs sends "${hex}" as the bytes that it spells. Use ${instead}.`,
    );
  const { host, port, tls, timeoutMs } = config;
  const argv = [binary, '--cli', '-h', host, '-p', String(port), ...tlsFlags(tls), ...command];
  const { end, stdout, lastLines } = await runProgram(argv, { name: binary, timeoutMs, signal });
  const text = stdout.replace(/\n$/, '');
  if (text.startsWith('(error) '))
    throw new BenchmarkError('error-reply', `${host}:${port} answered ${command[0]} with: ${text.slice(8)}`, {
      lastLines,
    });
  if (end.state !== 'exited' || end.exitCode !== 0)
    throw new BenchmarkError(
      'cli-failed',
      `${binary} --cli failed: ${lastLines.at(-1) ?? 'it said nothing'}`,
      {
        lastLines,
      },
    );
  return text;
}

function tlsFlags(tls: BenchmarkConfig['tls']): string[] {
  if (tls === undefined) return [];
  const files = [
    ['--tls-ca-cert', tls.ca],
    ['--tls-cert', tls.cert],
    ['--tls-key', tls.key],
    ['--tls-sni', tls.sni],
  ] as const;
  return [
    '--tls',
    ...(tls.skipVerify ? ['--tls-skip-verify'] : []),
    ...files.flatMap(([flag, value]) => (value === undefined ? [] : [flag, value])),
  ];
}

/** A server that cannot be asked is a failure of the benchmark, for those who catch it. @throws what it is given, or that */
export function rethrow(error: unknown): never {
  if (!(error instanceof StagewatchError) || error instanceof UsageError || error instanceof BenchmarkError)
    throw error;
  throw new BenchmarkError(error.code, error.message, { cause: error });
}

/** Nothing for nil, numbers as digits, errors in their words, the items of arrays one a line however deep they are. */
function rawText(reply: Reply | Error): string {
  if (reply === null) return '';
  if (reply instanceof Error) return `${reply.message}\n`; // valkey-cli ends that line, whatever follows
  return typeof reply === 'object' ? reply.map(rawText).join('\n') : String(reply);
}
