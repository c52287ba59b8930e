import { StagewatchError } from '../../error.ts';
import { ControlClient, type Command, type Reply } from '../../valkey/client.ts';
import { type Info, parseInfo } from '../../valkey/info.ts';
import type { BenchmarkConfig } from '../config.ts';
import { BenchmarkError } from '../error.ts';

/** What is known of the server before a run. */
export interface ServerFacts {
  /** Undefined where it does not let us ask. */
  readonly isCluster: boolean | undefined;
  readonly runId: string | undefined;
  /** Error replies since its start, by their first word. */
  readonly errors: ReadonlyMap<string, number>;
}

const unknown: ServerFacts = { isCluster: undefined, runId: undefined, errors: new Map() };

/** Refused for want of rights only: the benchmark may still be allowed what it does. */
const forbidden = new Set(['not-permitted']);

/**
 * Asks the server before and after a run what benchmarks do not tell: is it there, is it still the same one, did it
 * refuse what it was sent.
 */
export class ServerWatch implements AsyncDisposable {
  readonly client: ControlClient;
  readonly where: string;
  #before: ServerFacts = unknown;

  constructor(config: BenchmarkConfig) {
    const { host, port, user, auth: password, tls } = config;
    this.client = new ControlClient({
      host,
      port,
      ...(user === undefined ? {} : { user }),
      ...(password === undefined ? {} : { password }),
      ...(tls === undefined ? {} : { tls }),
    });
    this.where = this.client.where;
  }

  /** @throws {BenchmarkError} refused, no-answer, wrong-password, auth-required, loading, ...: it cannot be measured. */
  async before(): Promise<ServerFacts> {
    try {
      this.#before = await this.#facts();
      return this.#before;
    } catch (error) {
      if (!(error instanceof StagewatchError)) throw error;
      if (forbidden.has(error.code)) return unknown;
      throw new BenchmarkError(error.code, `The server cannot be measured. ${error.message}`, {
        cause: error,
      });
    }
  }

  /**
   * @returns the error replies that it gave since `before`, by their first word; other clients' are among them.
   * @throws {BenchmarkError} server-gone, server-restarted.
   */
  async after(): Promise<ReadonlyMap<string, number>> {
    let now: ServerFacts;
    try {
      now = await this.#facts();
    } catch (error) {
      if (!(error instanceof StagewatchError)) throw error;
      if (forbidden.has(error.code)) return new Map();
      throw new BenchmarkError(
        'server-gone',
        `The server did not survive the run: the figures mean nothing. ${error.message}`,
        { cause: error },
      );
    }
    const { runId, errors } = this.#before;
    if (runId !== undefined && now.runId !== undefined && runId !== now.runId)
      throw new BenchmarkError(
        'server-restarted',
        `${this.where} is another process than before the run: it was restarted meanwhile, and the figures mean nothing.`,
      );
    return new Map(
      [...now.errors]
        .map(([kind, count]) => [kind, count - (errors.get(kind) ?? 0)] as const)
        .filter(([, count]) => count > 0),
    );
  }

  /** One reply; undefined where the server refuses the command. @throws {StagewatchError} when it is not there. */
  async ask(command: Command): Promise<Reply | undefined> {
    const [answer] = await this.client.ask([command]);
    return answer?.state === 'answered' ? answer.reply : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
  }

  async #facts(): Promise<ServerFacts> {
    const [ping, info] = await this.client.ask([['PING'], ['INFO']]);
    if (ping?.state === 'refused') throw ping.error;
    if (info?.state === 'refused') throw info.error;
    return factsOf(parseInfo(String(info?.reply)));
  }
}

function factsOf(info: Info): ServerFacts {
  const cluster = info.text('cluster_enabled');
  return {
    isCluster: cluster === undefined ? undefined : cluster === '1',
    runId: info.text('run_id'),
    errors: info.errors,
  };
}
