import type { Redis, RedisOptions } from 'iovalkey';
import { StagewatchError } from '../error.ts';
import { connectionError, replyError } from './client-error.ts';
import { type Credentials, readTls, type TlsFiles, type TlsSettings } from './credentials.ts';

/** Which server, and as whom. */
export interface ServerAddress extends Credentials {
  readonly host: string;
  readonly port: number;
  /** Path of a Unix socket; then host and port do not matter. */
  readonly socket?: string;
  readonly tls?: TlsFiles;
  /** Number of the database; 0 without. */
  readonly db?: number;
}

export type Command = readonly [name: string, ...args: string[]];

/** What a server may say (RESP2). */
export type Reply = string | number | null | readonly Reply[];

export type Answer =
  | { readonly state: 'answered'; readonly reply: Reply }
  /** The server refused this one command. */
  | { readonly state: 'refused'; readonly error: StagewatchError };

export interface CountedAnswers {
  readonly answers: Answer[];
  readonly askedBefore: ReadonlyMap<string, number>;
}

export const connectTimeoutMs = 2_000;
/** After a failure the server is left alone for this long, ms. */
const retryAfterMs = 1_000;
const connectionName = 'stagewatch';

/** `INFO` counts these by their second word too: `cmdstat_latency|histogram`. */
const containers = new Set(['acl', 'client', 'cluster', 'command', 'config', 'latency', 'memory', 'module']);

/**
 * Asks a server, over one connection that is made at the first question, and again, once, when it was lost. Counts
 * what it asked, so that an observer can be told apart from the load.
 */
export class ControlClient implements AsyncDisposable {
  readonly where: string;
  readonly #address: ServerAddress;
  readonly #asked = new Map<string, number>();
  #connection: Promise<Redis> | undefined;
  #tls: TlsSettings | undefined;
  #failure: { readonly error: StagewatchError; readonly at: number } | undefined;
  #ended = false;

  constructor(address: ServerAddress) {
    this.#address = address;
    this.where = address.socket ?? `${address.host}:${address.port}`;
  }

  /**
   * Sends all of them in one write; answers come in order.
   * @param timeoutMs Infinity waits for as long as the connection lasts.
   * @throws {StagewatchError} refused, no-answer, not-a-server, tls-failed, connection-lost, auth-required,
   *   wrong-password, denied.
   */
  async ask(commands: readonly Command[], timeoutMs = connectTimeoutMs): Promise<Answer[]> {
    return (await this.askCounted(commands, timeoutMs)).answers;
  }

  /** The same; `askedBefore` is how often each command had been sent until then, by `INFO commandstats`' names. */
  async askCounted(commands: readonly Command[], timeoutMs = connectTimeoutMs): Promise<CountedAnswers> {
    const wasConnected = this.#connection !== undefined;
    try {
      return await this.#attempt(commands, timeoutMs);
    } catch (error) {
      // Idle connections are closed by servers with a `timeout`; we learn of it when we use one.
      if (!wasConnected || !isLost(error)) throw error;
      return await this.#attempt(commands, timeoutMs);
    }
  }

  /** The text of one reply. @throws {StagewatchError} also when the server refuses the command, or says no text. */
  async askText(command: Command): Promise<string> {
    const [answer] = await this.ask([command]);
    if (answer?.state === 'refused') throw answer.error;
    if (typeof answer?.reply !== 'string')
      throw new StagewatchError('not-a-server', `${this.where}: expected text as reply to ${command[0]}`);
    return answer.reply;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    const redis = await this.#connection?.catch(() => undefined);
    redis?.disconnect();
  }

  async #attempt(commands: readonly Command[], timeoutMs: number): Promise<CountedAnswers> {
    const redis = await this.#connected();
    try {
      return await this.#send(redis, commands, timeoutMs);
    } catch (error) {
      const lost = connectionError(this.where, error, this.#address.tls !== undefined);
      // What only takes long may still come: the connection keeps its order.
      if (lost.code !== 'no-answer') {
        this.#connection = undefined;
        redis.disconnect();
      }
      throw lost;
    }
  }

  /** A server that is down or refuses us is not asked again and again. */
  async #connected(): Promise<Redis> {
    if (this.#ended) throw new StagewatchError('connection-lost', `${this.where}: no longer asked`);
    if (this.#connection) return this.#connection;
    if (this.#failure && performance.now() - this.#failure.at < retryAfterMs) throw this.#failure.error;
    const connection = this.#connect();
    this.#connection = connection;
    try {
      const redis = await connection;
      redis.once('close', () => {
        if (this.#connection === connection) this.#connection = undefined;
      });
      return redis;
    } catch (error) {
      this.#connection = undefined;
      this.#failure = { error: error as StagewatchError, at: performance.now() };
      throw error;
    }
  }

  async #connect(): Promise<Redis> {
    const { tls } = this.#address;
    if (tls) this.#tls ??= await readTls(tls);
    const { Redis } = await import('iovalkey');
    const redis = new Redis(this.#settings());
    let cause: unknown;
    redis.on('error', (error: unknown) => (cause ??= error));
    try {
      await within(redis.connect(), connectTimeoutMs);
      await this.#introduce(redis);
      return redis;
    } catch (error) {
      redis.disconnect();
      throw connectionError(this.where, cause ?? error, tls !== undefined);
    }
  }

  #settings(): RedisOptions {
    const { host, port, socket } = this.#address;
    return {
      ...(socket === undefined ? { host, port } : { path: socket }),
      ...(this.#tls === undefined ? {} : { tls: { ...this.#tls } }),
      lazyConnect: true,
      connectTimeout: connectTimeoutMs,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      // It would ask INFO, and we count what is asked.
      enableReadyCheck: false,
      enableOfflineQueue: false,
      autoResubscribe: false,
      autoResendUnfulfilledCommands: false,
    };
  }

  /** iovalkey's own AUTH prints warnings to the console, and hides which error it was. */
  async #introduce(redis: Redis): Promise<void> {
    const { user, password, db } = this.#address;
    const commands: Command[] = [];
    if (password) commands.push(['AUTH', ...(user === undefined ? [] : [user]), password.reveal()]);
    commands.push(['CLIENT', 'SETNAME', connectionName]);
    if (db !== undefined && db !== 0) commands.push(['SELECT', String(db)]);
    commands.push(['INFO', 'server']);
    const { answers } = await this.#send(redis, commands, connectTimeoutMs);
    for (const [index, answer] of answers.entries()) {
      if (answer.state === 'answered') continue;
      const [name] = commands[index]!;
      // Old servers, and users without that right, do not take a name. A server without a password needs none.
      if (name === 'CLIENT' && answer.error.code === 'not-permitted') continue;
      if (name === 'AUTH' && isNotNeeded(answer.error)) continue;
      throw answer.error;
    }
    const info = answers.at(-1);
    if (info?.state !== 'answered' || !/^process_id:\d/m.test(String(info.reply)))
      throw new StagewatchError(
        'not-a-server',
        `${this.where}: what answers is no Valkey or Redis server: its INFO names no process`,
      );
  }

  async #send(redis: Redis, commands: readonly Command[], timeoutMs: number): Promise<CountedAnswers> {
    const askedBefore = new Map(this.#asked);
    const pipeline = redis.pipeline();
    for (const command of commands) pipeline.call(...command);
    this.#count(commands, 1);
    const executed = pipeline.exec().catch((error: unknown) => {
      // None of them was sent.
      this.#count(commands, -1);
      throw error;
    });
    const results = (await within(executed, timeoutMs)) ?? [];
    const lost = results.findIndex(([error]) => error !== null && error.name !== 'ReplyError');
    if (lost >= 0) {
      // Most likely they never arrived.
      this.#count(commands.slice(lost), -1);
      throw results[lost]![0]!;
    }
    const answers = results.map(([error, reply]): Answer =>
      error === null
        ? { state: 'answered', reply: reply as Reply }
        : { state: 'refused', error: replyError(this.where, error) },
    );
    return { answers, askedBefore };
  }

  #count(commands: readonly Command[], step: 1 | -1): void {
    for (const command of commands) {
      const name = statName(command);
      this.#asked.set(name, (this.#asked.get(name) ?? 0) + step);
    }
  }
}

const isLost = (error: unknown): boolean =>
  error instanceof StagewatchError && error.code === 'connection-lost';

function isNotNeeded({ cause }: StagewatchError): boolean {
  return cause instanceof Error && /no password is set|without any password/i.test(cause.message);
}

function statName([name, first]: Command): string {
  const lower = name.toLowerCase();
  return containers.has(lower) && first !== undefined ? `${lower}|${first.toLowerCase()}` : lower;
}

async function within<T>(work: Promise<T>, limitMs: number): Promise<T> {
  if (limitMs === Infinity) return work;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`timed out after ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
