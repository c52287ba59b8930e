import { setTimeout as sleep } from 'node:timers/promises';
import { encodeCommand } from '../valkey/resp.ts';
import type { Command, ControlClient } from '../valkey/client.ts';
import { parseInfo } from '../valkey/info.ts';

export interface RequestBytes {
  /** Requests that were looked at. */
  readonly requests: number;
  /** Of one request, as the server received it. */
  readonly inPerRequest: number;
  /** Of one reply, as the server sent it. */
  readonly outPerRequest: number;
}

interface Sample {
  readonly inBytes: number;
  readonly outBytes: number;
  readonly calls: number;
  /** Of the replies to this very sample, which are sent after it was taken. */
  readonly ownBytes: number;
}

/** Cheap for a server, and still several times in a short run, ms. */
const everyMs = 50;
const questions: readonly Command[] = [
  ['INFO', 'stats'],
  ['INFO', 'commandstats'],
];
const askedBytes = questions.reduce((sum, words) => sum + encodeCommand(words).length, 0);

/**
 * Counts the bytes of a load's requests and replies by what the server says of its traffic while the load runs: what
 * others ask before and after it, as the benchmark itself does, is not in it, and what we ask meanwhile is subtracted.
 */
export class NetBytes {
  readonly #client: ControlClient;
  readonly #commands: readonly string[];
  readonly #samples: Sample[] = [];
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;

  /** @param commands of the load, as INFO has them: `get`, `FT.SEARCH`. @param client stays the caller's. */
  constructor(client: ControlClient, commands: readonly string[]) {
    this.#client = client;
    this.#commands = commands;
    this.#ended = this.#watch();
  }

  /** @returns undefined where the run was too short, or the server counts no commands. */
  async end(): Promise<RequestBytes | undefined> {
    this.#stop.abort();
    await this.#ended;
    return betweenFirstAndLast(this.#samples);
  }

  async #watch(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        this.#samples.push(await this.#sample());
      } catch {
        return; // the benchmark tells that the server is gone
      }
      await sleep(everyMs, undefined, { signal: this.#stop.signal }).catch(() => {});
    }
  }

  async #sample(): Promise<Sample> {
    const answers = await this.#client.ask(questions);
    const texts = answers.map((answer) => (answer.state === 'answered' ? String(answer.reply) : ''));
    const info = parseInfo(texts.join('\n'));
    return {
      inBytes: info.number('total_net_input_bytes') ?? 0,
      outBytes: info.number('total_net_output_bytes') ?? 0,
      calls: this.#commands.reduce((sum, name) => sum + (info.commands.get(name)?.calls ?? 0), 0),
      ownBytes: texts.reduce((sum, text) => sum + wireBytes(text), 0),
    };
  }
}

/** Only what lies between two samples that both fall into the load. */
function betweenFirstAndLast(samples: readonly Sample[]): RequestBytes | undefined {
  const idle = samples.at(0)?.calls;
  const done = samples.at(-1)?.calls;
  const inside = samples.filter(({ calls }) => calls !== idle && calls !== done);
  const [first, last] = [inside.at(0), inside.at(-1)];
  if (!first || !last || last.calls <= first.calls) return undefined;
  const requests = last.calls - first.calls;
  const own = inside.slice(0, -1).reduce((sum, { ownBytes }) => sum + ownBytes, 0);
  return {
    requests,
    inPerRequest: Math.max(0, last.inBytes - first.inBytes - (inside.length - 1) * askedBytes) / requests,
    outPerRequest: Math.max(0, last.outBytes - first.outBytes - own) / requests,
  };
}

/** Of a bulk string. */
function wireBytes(text: string): number {
  const length = Buffer.byteLength(text);
  return String(length).length + length + 5;
}
