import type { Answer, Command, ControlClient, Reply } from './client.ts';
import { type FtIndex, parseFtInfo, parseFtList } from './ftinfo.ts';
import { type Info, parseInfo } from './info.ts';
import { type LatencyHistogram, parseLatencyHistograms } from './info-latency.ts';

/** All that a server says of itself at one moment. */
export interface Snapshot {
  readonly info: Info;
  /** Empty where the server keeps none, or does not let us see them. */
  readonly histograms: ReadonlyMap<string, LatencyHistogram>;
  readonly indexes: ReadonlyMap<string, FtIndex>;
  /** How often we had asked each command until then. */
  readonly askedBefore: ReadonlyMap<string, number>;
}

/** More search indexes than this are not looked at: each is one more command. */
const indexLimit = 16;

/** Takes snapshots: one round trip each, where no search index is new. */
export class SnapshotTaker {
  readonly #client: ControlClient;
  #indexes: readonly string[] = [];
  #hasSearch = false;

  constructor(client: ControlClient) {
    this.#client = client;
  }

  /**
   * Resolves when the server has answered, however long that takes; a lost connection ends the wait.
   * @throws {StagewatchError} as ControlClient.ask does, and when INFO is refused.
   */
  async take(): Promise<Snapshot> {
    const known = this.#indexes;
    // INFO first: what we ask beside it is counted, and subtracted, after it.
    const commands: Command[] = [
      ['INFO', 'everything'],
      ['LATENCY', 'HISTOGRAM'],
      ...(this.#hasSearch ? [['FT._LIST'] as const] : []),
      ...known.map((name): Command => ['FT.INFO', name]),
    ];
    const { answers, askedBefore } = await this.#client.askCounted(commands, Infinity);
    const [infoAnswer, histogramAnswer] = answers;
    if (infoAnswer?.state === 'refused') throw infoAnswer.error;
    const info = parseInfo(String(infoAnswer?.reply));
    const indexes = indexesOf(answers.slice(commands.length - known.length));

    if (this.#hasSearch) this.#indexes = parseFtList(replyOf(answers[2])).slice(0, indexLimit);
    else if (speaksSearch(info)) {
      this.#hasSearch = true;
      const [list] = await this.#client.ask([['FT._LIST']]);
      this.#indexes = parseFtList(replyOf(list)).slice(0, indexLimit);
    }
    const unseen = this.#indexes.filter((name) => !known.includes(name));
    if (unseen.length > 0)
      for (const [name, index] of indexesOf(
        await this.#client.ask(unseen.map((name): Command => ['FT.INFO', name])),
      ))
        indexes.set(name, index);
    return { info, histograms: parseLatencyHistograms(replyOf(histogramAnswer)), indexes, askedBefore };
  }

  /** The usual sections only; much cheaper. */
  async sample(): Promise<Pick<Snapshot, 'info' | 'askedBefore'>> {
    const { answers, askedBefore } = await this.#client.askCounted([['INFO']], Infinity);
    if (answers[0]?.state === 'refused') throw answers[0].error;
    return { info: parseInfo(String(answers[0]?.reply)), askedBefore };
  }
}

/** What was asked from one snapshot on, until before the other. */
export function askedBetween(
  before: Pick<Snapshot, 'askedBefore'>,
  after: Pick<Snapshot, 'askedBefore'>,
): ReadonlyMap<string, number> {
  return new Map(
    [...after.askedBefore].map(([name, count]) => [name, count - (before.askedBefore.get(name) ?? 0)]),
  );
}

function speaksSearch(info: Info): boolean {
  return (
    info.modules.some((name) => /search|^ft$/i.test(name)) ||
    [...info.fields.keys()].some((field) => field.startsWith('search_'))
  );
}

function indexesOf(answers: readonly Answer[]): Map<string, FtIndex> {
  const indexes = new Map<string, FtIndex>();
  for (const answer of answers) {
    const index = parseFtInfo(replyOf(answer));
    if (index) indexes.set(index.name, index);
  }
  return indexes;
}

const replyOf = (answer: Answer | undefined): Reply => (answer?.state === 'answered' ? answer.reply : null);
