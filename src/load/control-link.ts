import { LoadError } from './error.ts';
import { Link } from './link.ts';
import { DEFAULTS, addressText, type ServerAddress } from './options.ts';
import {
  ReplyReader,
  RespError,
  RespProtocolError,
  RespPush,
  encodeCommand,
  type CommandWord,
  type RespValue,
} from '../valkey/resp.ts';

interface Waiting {
  readonly resolve: (reply: RespValue) => void;
  readonly reject: (error: Error) => void;
}

/** A connection for questions: one reply for each, in order. */
export class ControlLink {
  readonly address: ServerAddress;
  readonly #link: Link;
  readonly #reader = new ReplyReader();
  readonly #waiting: Waiting[] = [];
  readonly #timeoutMs: number;
  #timer: NodeJS.Timeout | undefined;
  #lost: Error | undefined;

  private constructor(link: Link, timeoutMs: number) {
    this.#link = link;
    this.#timeoutMs = timeoutMs;
    this.address = link.address;
    link.onBytes = (bytes, length) => this.#take(Buffer.from(bytes.subarray(0, length)));
    link.onLost = (error) => this.#fail(error);
  }

  /**
   * Connected, authenticated, and the database chosen.
   * @param timeoutMs a question without answer for so long fails.
   * @throws {LoadError} connect-failed, no-reply, and those of `refusal`.
   */
  static async open(address: ServerAddress, timeoutMs: number = DEFAULTS.timeoutMs): Promise<ControlLink> {
    const control = new ControlLink(await Link.open(address), timeoutMs);
    try {
      for (const words of greeting(address)) {
        const reply = await control.ask(words);
        if (reply instanceof RespError) throw refusal(address, reply);
      }
      return control;
    } catch (error) {
      control.close();
      throw error;
    }
  }

  /** The reply, which may be an error reply. @throws {LoadError} when the connection is lost. */
  ask(words: readonly CommandWord[]): Promise<RespValue> {
    return this.send(encodeCommand(words));
  }

  /** The same for a command that is in wire form already. */
  send(request: Uint8Array): Promise<RespValue> {
    return new Promise((resolve, reject) => {
      if (this.#lost) return reject(this.#lost);
      this.#waiting.push({ resolve, reject });
      this.#timer ??= setTimeout(() => this.#timeOut(), this.#timeoutMs);
      this.#link.write(request);
    });
  }

  /** The reply. @throws {LoadError} command-refused for an error reply. */
  async demand(words: readonly CommandWord[]): Promise<RespValue> {
    const reply = await this.ask(words);
    if (reply instanceof RespError)
      throw new LoadError(
        'command-refused',
        `${addressText(this.address)} refused ${words.slice(0, 2).join(' ')}: ${reply.message}`,
      );
    return reply;
  }

  /** The link with what it has read so far: for the load itself. No answer may be awaited any more. */
  release(): Link {
    return this.#link;
  }

  close(): void {
    this.#link.close();
    this.#fail(
      new LoadError('connection-lost', `The connection to ${addressText(this.address)} was closed.`),
    );
  }

  #take(bytes: Buffer): void {
    try {
      for (const reply of this.#reader.read(bytes))
        if (!(reply instanceof RespPush)) this.#waiting.shift()?.resolve(reply);
      if (this.#waiting.length > 0) this.#timer?.refresh();
      else this.#stopTimer();
    } catch (error) {
      if (!(error instanceof RespProtocolError)) throw error;
      this.#link.close();
      this.#fail(notRedis(this.address, error));
    }
  }

  #timeOut(): void {
    this.#link.close();
    this.#fail(
      new LoadError(
        'no-reply',
        `${addressText(this.address)} accepts connections, but has not replied for ${this.#timeoutMs / 1000} s: it hangs, is stopped, or is busy with something long.`,
      ),
    );
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #fail(error: Error): void {
    this.#stopTimer();
    this.#lost ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#lost);
  }
}

/** What answered is no Valkey. */
export function notRedis(address: ServerAddress, cause: RespProtocolError): LoadError {
  return new LoadError(
    'protocol',
    `Expected a Valkey or Redis server at ${addressText(address)}, but its reply is no RESP (${cause.message}). ` +
      'Does it want --tls?',
    { cause },
  );
}

/** The commands that open a session; PING shows that the server serves. */
function greeting(address: ServerAddress): CommandWord[][] {
  const commands: CommandWord[][] = [];
  if (address.password !== undefined)
    commands.push(['AUTH', ...(address.username === undefined ? [] : [address.username]), address.password]);
  if (address.database !== 0) commands.push(['SELECT', address.database]);
  commands.push(['PING']);
  return commands;
}

/** Why a server lets us not in, and what to do. */
function refusal(address: ServerAddress, reply: RespError): LoadError {
  const where = addressText(address);
  if (/^WRONGPASS|invalid password|invalid username-password/i.test(reply.message))
    return new LoadError(
      'wrong-password',
      `${where} refuses the password of -a (or its environment variable): ${reply.message}`,
    );
  if (/called without any password configured/.test(reply.message))
    return new LoadError('wrong-password', `${where} has no password, but one was given: ${reply.message}`);
  if (reply.kind === 'NOAUTH')
    return new LoadError(
      'password-needed',
      `${where} wants a password: give it with VALKEYCLI_AUTH or -a. It said: ${reply.message}`,
    );
  if (reply.kind === 'LOADING')
    return new LoadError(
      'loading',
      `${where} is still loading its data and serves nothing yet: try again when INFO says loading:0. It said: ${reply.message}`,
    );
  return new LoadError('server-refused', `${where} refuses to serve: ${reply.message}`);
}
