import { RespError, encodeCommand, type RespValue } from '../valkey/resp.ts';
import { nodesOf, redirectionOf, tagsOf } from './cluster.ts';
import { ControlLink } from './control-link.ts';
import { addressText, nodeAddress, type ServerAddress } from './options.ts';

/** As valkey-cli and the clients have it: a cluster that sends us in circles is an error. */
const MAX_HOPS = 5;
/** How often the slots are asked for again while they move, ms. */
const REFRESH_MS = 500;

const ASKING = encodeCommand(['ASKING']);

/** Sends requests that belong to another node where MOVED and ASK point to. */
export class Redirector {
  readonly #links = new Map<string, Promise<ControlLink>>();
  readonly #onTags: (address: string, tags: readonly string[]) => void;
  #refreshedMs = -Infinity;

  /** @param onTags told of each node's hash tags when slots have moved. */
  constructor(onTags: (address: string, tags: readonly string[]) => void) {
    this.#onTags = onTags;
  }

  /**
   * The final reply; an error reply when it went in circles.
   * @throws {LoadError} when a node cannot be reached.
   */
  async follow(request: Uint8Array, message: string, from: ServerAddress): Promise<RespValue> {
    let said = message;
    let asked = from;
    for (let hop = 0; hop < MAX_HOPS; hop++) {
      const target = redirectionOf(said, asked);
      if (target === undefined) break;
      const link = await this.#linkTo(nodeAddress(from, target));
      asked = link.address;
      if (target.kind === 'MOVED') void this.#refresh(link);
      else void link.send(ASKING).catch(() => {}); // a lost link fails the request itself too
      const reply = await link.send(request);
      if (!(reply instanceof RespError)) return reply;
      said = reply.message;
      if (redirectionOf(said, asked) === undefined) return reply;
    }
    return new RespError(said);
  }

  close(): void {
    for (const link of this.#links.values())
      link.then(
        (open) => open.close(),
        () => {},
      );
  }

  #linkTo(address: ServerAddress): Promise<ControlLink> {
    const key = addressText(address);
    let link = this.#links.get(key);
    if (link === undefined) {
      link = ControlLink.open(address);
      this.#links.set(key, link);
    }
    return link;
  }

  async #refresh(link: ControlLink): Promise<void> {
    const nowMs = performance.now();
    if (nowMs - this.#refreshedMs < REFRESH_MS) return;
    this.#refreshedMs = nowMs;
    try {
      const reply = await link.ask(['CLUSTER', 'SLOTS']);
      for (const node of nodesOf(reply, link.address)) this.#onTags(addressText(node), tagsOf(node));
    } catch {
      // The link is lost: the requests on it fail by themselves.
    }
  }
}
