import { BenchmarkConfig } from '../bench/config.ts';
import { BenchmarkError } from '../bench/error.ts';
import { UsageError } from '../error.ts';
import { ControlClient, type Command, type Reply } from '../valkey/client.ts';
import { credentialsOf } from '../valkey/credentials.ts';

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

/**
 * Sends one command to the server, and gives the reply as valkey-cli prints it into a pipe, without the last line end.
 * @throws {BenchmarkError} error-reply for an error reply. @throws {StagewatchError} when the server cannot be asked.
 */
export async function askServer({ config, command }: CliCall): Promise<string> {
  const { host, port, user, auth, tls, timeoutMs } = config;
  const credentials = credentialsOf({
    ...(user !== undefined && { user }),
    ...(auth !== undefined && { password: auth }),
  });
  await using client = new ControlClient({ host, port, ...credentials, ...(tls !== undefined && { tls }) });
  const [answer] = await client.ask([command], timeoutMs);
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

/** Nothing for nil, numbers as digits, errors in their words, the items of arrays one a line however deep they are. */
function rawText(reply: Reply | Error): string {
  if (reply === null) return '';
  if (reply instanceof Error) return reply.message;
  return typeof reply === 'object' ? reply.map(rawText).join('\n') : String(reply);
}
