import { StagewatchError } from '../../error.ts';
import { ControlClient, type Command, type Reply, type ServerAddress } from '../../valkey/client.ts';
import { parseClusterNodes } from '../../valkey/cluster.ts';
import { type Info, parseInfo } from '../../valkey/info.ts';
import type { BenchmarkConfig } from '../config.ts';
import { BenchmarkError } from '../error.ts';

/** What is known of the server before a run. */
export interface ServerFacts {
  /** Undefined where it does not let us ask. */
  readonly isCluster: boolean | undefined;
}

/** What the server refused during a run; in a cluster all of its primaries together. */
export interface Refusals {
  /** Error replies by their first word, of all clients: `OOM`. */
  readonly kinds: ReadonlyMap<string, number>;
  /** Calls that failed or were rejected, by command: `get`, `FT.SEARCH`. */
  readonly commands: ReadonlyMap<string, number>;
}

export const noRefusals: Refusals = { kinds: new Map(), commands: new Map() };

interface NodeState extends Refusals, ServerFacts {
  readonly runId: string | undefined;
}

/** Refused for want of rights only: the benchmark may still be allowed what it does. */
const isForbidden = (error: StagewatchError): boolean => error.code === 'not-permitted';

/**
 * Asks the server before and after a run what benchmarks do not tell: is it there, is it still the same one, what did it
 * refuse.
 */
export class ServerWatch implements AsyncDisposable {
  readonly where: string;
  readonly #address: ServerAddress;
  /** The server that was named comes first; in a cluster the other primaries follow. */
  readonly #nodes: { readonly client: ControlClient; before: NodeState }[] = [];
  readonly #client: ControlClient;

  constructor(config: BenchmarkConfig) {
    const { host, port, user, auth: password, tls } = config;
    this.#address = {
      host,
      port,
      ...(user === undefined ? {} : { user }),
      ...(password === undefined ? {} : { password }),
      ...(tls === undefined ? {} : { tls }),
    };
    this.#client = new ControlClient(this.#address);
    this.where = this.#client.where;
  }

  /** Call once. @throws {BenchmarkError} refused, no-answer, wrong-password, auth-required, loading, ...: it cannot be measured. */
  async before(): Promise<ServerFacts> {
    try {
      const before = await stateOf(this.#client);
      this.#nodes.push({ client: this.#client, before });
      if (before.isCluster) await this.#addPrimaries();
      return { isCluster: before.isCluster };
    } catch (error) {
      if (!(error instanceof StagewatchError)) throw error;
      if (isForbidden(error)) return { isCluster: undefined };
      throw new BenchmarkError(error.code, `The server cannot be measured. ${error.message}`, {
        cause: error,
      });
    }
  }

  /** What was refused since `before`. @throws {BenchmarkError} server-gone, server-restarted. */
  async after(): Promise<Refusals> {
    const [kinds, commands] = [new Map<string, number>(), new Map<string, number>()];
    for (const { client, before } of this.#nodes) {
      const now = await stateOf(client).catch((cause: unknown) => {
        if (!(cause instanceof StagewatchError)) throw cause;
        throw new BenchmarkError(
          'server-gone',
          `The server did not survive the run: the figures mean nothing. ${cause.message}`,
          { cause },
        );
      });
      if (before.runId !== now.runId)
        throw new BenchmarkError(
          'server-restarted',
          `${client.where} is another process than before the run: it was restarted meanwhile, and the figures mean nothing.`,
        );
      addIncrease(kinds, before.kinds, now.kinds);
      addIncrease(commands, before.commands, now.commands);
    }
    return { kinds, commands };
  }

  /** One reply; undefined where the server refuses the command. @throws {StagewatchError} when it is not there. */
  async ask(command: Command): Promise<Reply | undefined> {
    const [answer] = await this.#client.ask([command]);
    return answer?.state === 'answered' ? answer.reply : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const clients = [this.#client, ...this.#nodes.map(({ client }) => client)];
    await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
  }

  /** Those that cannot be reached from here (by the names that a cluster has for them) are left out. */
  async #addPrimaries(): Promise<void> {
    const nodes = parseClusterNodes(String(await this.ask(['CLUSTER', 'NODES'])));
    const others = nodes.filter(({ role, myself, failed }) => role === 'primary' && !myself && !failed);
    await Promise.all(
      others.map(async ({ host, port }) => {
        const client = new ControlClient({ ...this.#address, host, port });
        const before = await stateOf(client).catch(() => undefined);
        if (before === undefined) await client[Symbol.asyncDispose]();
        else this.#nodes.push({ client, before });
      }),
    );
  }
}

async function stateOf(client: ControlClient): Promise<NodeState> {
  const [ping, info, stats] = await client.ask([['PING'], ['INFO'], ['INFO', 'commandstats']]);
  if (ping?.state === 'refused') throw ping.error;
  if (info?.state === 'refused') throw info.error;
  const { commands } = parseInfo(String(stats?.state === 'answered' ? stats.reply : ''));
  return {
    ...factsOf(parseInfo(String(info?.reply))),
    commands: new Map(
      [...commands].map(([name, { failedCalls, rejectedCalls }]) => [
        name.toLowerCase(),
        failedCalls + rejectedCalls,
      ]),
    ),
  };
}

function factsOf(info: Info): Omit<NodeState, 'commands'> {
  const cluster = info.text('cluster_enabled');
  return {
    isCluster: cluster === undefined ? undefined : cluster === '1',
    runId: info.text('run_id'),
    kinds: info.errors,
  };
}

function addIncrease(
  sum: Map<string, number>,
  before: ReadonlyMap<string, number>,
  now: ReadonlyMap<string, number>,
): void {
  for (const [name, count] of now) {
    const more = count - (before.get(name) ?? 0);
    if (more > 0) sum.set(name, (sum.get(name) ?? 0) + more);
  }
}
