import { RespError, type RespValue } from '../valkey/resp.ts';
import { SharedClaims, StridedClaims, blockSizeFor } from './claims.ts';
import { redirectionOf } from './cluster.ts';
import { LoadError } from './error.ts';
import { LoadClient, unasked, type ClientEvents } from './load-client.ts';
import { ClosedLoop, OpenLoop, type Loop } from './loop.ts';
import { addressText } from './options.ts';
import { Redirector } from './redirector.ts';
import { Tally } from './tally.ts';
import { monotonicMs, type ThreadEvents, type ThreadPlan, type ThreadReport } from './thread-plan.ts';
import { Batch, type Workload } from './workload.ts';
import { makeWorkload } from './make-workload.ts';

const TICK_MS = 250;
/** After a stop, replies that are under way are waited for this long, ms. */
const DRAIN_MS = 1_000;
/** Clients that connect at once: a server's backlog is 511 or less. */
const CONNECT_AT_ONCE = 100;

/** Runs the clients of one thread, on the thread that calls it. */
export class LoadThread implements ClientEvents {
  readonly #plan: ThreadPlan;
  readonly #events: ThreadEvents;
  readonly #workload: Workload;
  readonly #loop: Loop;
  readonly #clients: LoadClient[] = [];
  readonly #redirector: Redirector;
  readonly #isOpen: boolean;
  #tally = new Tally(0);
  #redirected = 0;
  #isStopped = false;
  #isClosed = false;
  #tick: NodeJS.Timeout | undefined;
  #settle: { resolve: (report: ThreadReport) => void; reject: (error: Error) => void } | undefined;
  #failure: Error | undefined;

  private constructor(plan: ThreadPlan, workload: Workload, events: ThreadEvents) {
    this.#plan = plan;
    this.#events = events;
    this.#workload = workload;
    this.#isOpen = plan.rps !== undefined;
    this.#loop = makeLoop(plan, workload, () => this.#endIfDone());
    this.#redirector = new Redirector((address, tags) => {
      for (const client of this.#clients)
        if (addressText(client.address) === address) client.batch.tags = tags;
    });
  }

  /** All clients connected. @throws {LoadError} */
  static async connect(plan: ThreadPlan, events: ThreadEvents): Promise<LoadThread> {
    const thread = new LoadThread(plan, await makeWorkload(plan), events);
    try {
      await thread.#connect();
    } catch (error) {
      thread.close();
      throw error;
    }
    return thread;
  }

  /**
   * Runs to the end. Call it once.
   * @param startMs monotonic; when the first request is due.
   * @throws {LoadError} connection-lost, no-reply, protocol, unexpected-reply
   */
  async run(startMs: number): Promise<ThreadReport> {
    const waitMs = startMs - monotonicMs();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const localStartMs = performance.now() - (monotonicMs() - startMs);
    this.#tally = new Tally(localStartMs);
    try {
      return await new Promise<ThreadReport>((resolve, reject) => {
        this.#settle = { resolve, reject };
        if (this.#failure) return reject(this.#failure);
        this.#tick = setInterval(() => this.#watch(), TICK_MS);
        if (this.#isStopped) this.#loop.halt();
        else this.#loop.begin(this.#clients, localStartMs);
        this.#endIfDone();
      });
    } finally {
      this.close();
    }
  }

  /** Ends early: the report is marked partial. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#loop.halt();
    this.#endIfDone();
    setTimeout(() => this.#end(), DRAIN_MS).unref();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#tick);
    this.#loop.halt();
    for (const client of this.#clients) client.close();
    this.#redirector.close();
    this.#workload.close?.();
  }

  counted(client: LoadClient, count: number, nowMs: number): void {
    const { batch } = client;
    if (count > batch.count - batch.answered) return this.lost(unasked(client));
    if (this.#isOpen)
      for (let i = 0; i < count; i++)
        this.#tally.succeeded(nowMs - batch.dueMs[batch.answered + i]!, 1, nowMs);
    else if (count > 0) this.#tally.succeeded(nowMs - batch.sentMs, count, nowMs);
    batch.answered += count;
    batch.open -= count;
    if (batch.open === 0 && count > 0) this.#loop.free(client, nowMs);
  }

  countedWithErrors(
    client: LoadClient,
    count: number,
    errors: ReadonlyMap<number, string>,
    nowMs: number,
  ): void {
    if (count > client.batch.count - client.batch.answered) return this.lost(unasked(client));
    for (let i = 0; i < count; i++) {
      const error = errors.get(i);
      this.#answer(client, client.batch.answered++, error === undefined ? null : new RespError(error), nowMs);
    }
    if (client.batch.open === 0) this.#loop.free(client, nowMs);
  }

  read(client: LoadClient, replies: readonly RespValue[], nowMs: number): void {
    if (replies.length === 0) return;
    if (replies.length > client.batch.count - client.batch.answered) return this.lost(unasked(client));
    for (const reply of replies) this.#answer(client, client.batch.answered++, reply, nowMs);
    if (client.batch.open === 0) this.#loop.free(client, nowMs);
  }

  lost(error: LoadError): void {
    const progress = `After ${this.#tally.replies} replies on this thread the run cannot go on, and has no result.`;
    this.#fail(new LoadError(error.code, `${error.message} ${progress}`, { cause: error.cause ?? error }));
  }

  /** Counts one reply. A redirected request stays open until the other node has answered. */
  #answer(client: LoadClient, index: number, reply: RespValue, nowMs: number, isFinal = false): void {
    const { batch } = client;
    if (reply instanceof RespError) {
      if (!isFinal && redirectionOf(reply.message, client.address))
        return void this.#redirect(client, index, reply);
      this.#tally.failed(reply.message, nowMs);
    } else {
      const sentMs = this.#isOpen ? batch.dueMs[index]! : batch.sentMs;
      this.#tally.succeeded(nowMs - sentMs, 1, nowMs);
      const wrong = this.#workload.readsReplies ? this.#workload.take?.(batch, index, reply) : undefined;
      if (wrong !== undefined) return this.#fail(new LoadError('unexpected-reply', wrong));
    }
    batch.open--;
  }

  async #redirect(client: LoadClient, index: number, { message }: RespError): Promise<void> {
    const { batch } = client;
    this.#redirected++;
    const begin = index === 0 ? 0 : batch.ends[index - 1]!;
    const request = Buffer.from(batch.bytes.subarray(begin, batch.ends[index]));
    try {
      const reply = await this.#redirector.follow(request, message, client.address);
      const nowMs = performance.now();
      this.#answer(client, index, reply, nowMs, true);
      if (batch.open === 0) this.#loop.free(client, nowMs);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  async #connect(): Promise<void> {
    const { nodes, pipeline, timeoutMs } = this.#plan;
    const { readsReplies } = this.#workload;
    const wanted = nodes.flatMap((node) => Array.from({ length: node.clients }, () => node));
    for (let at = 0; at < wanted.length; at += CONNECT_AT_ONCE)
      await Promise.all(
        wanted.slice(at, at + CONNECT_AT_ONCE).map(async ({ address, tags }) => {
          const batch = new Batch(pipeline, this.#workload.batchBytes);
          batch.tags = tags;
          this.#workload.prepare(batch);
          const client = await LoadClient.open(address, batch, readsReplies, this, timeoutMs);
          // Another client may have failed in between, and so all of them.
          if (this.#isClosed) client.close();
          else this.#clients.push(client);
        }),
      );
  }

  #watch(): void {
    this.#events.progress({ replies: this.#tally.replies, errors: this.#tally.errors });
    const silentMs = performance.now() - this.#tally.lastReplyMs;
    const waiting = this.#clients.find(({ batch }) => batch.open > 0);
    if (waiting && silentMs > this.#plan.timeoutMs)
      this.#fail(
        new LoadError(
          'no-reply',
          `${addressText(waiting.address)} has not replied for ${Math.round(silentMs / 1000)} s, after ${this.#tally.replies} replies: it hangs, or is stopped.`,
        ),
      );
  }

  #endIfDone(): void {
    if (this.#loop.isExhausted && this.#clients.every(({ batch }) => batch.open === 0)) this.#end();
  }

  #end(): void {
    const settle = this.#settle;
    if (settle === undefined) return;
    this.#settle = undefined;
    const { late, unsent } = this.#loop;
    const replies = this.#tally.replies;
    settle.resolve({
      replies,
      errors: this.#tally.errorCounts(),
      redirected: this.#redirected,
      late,
      unsent,
      seconds: this.#tally.finish(),
      work: this.#workload.report(),
      lastReplyMs: this.#tally.lastReplyMs + (monotonicMs() - performance.now()),
      partial: this.#isStopped,
    });
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.reject(this.#failure);
  }
}

function makeLoop(plan: ThreadPlan, workload: Workload, onIdle: () => void): Loop {
  const { pipeline, requests, threads, rps, durationMs = Infinity } = plan;
  const options = { workload, pipeline, durationMs, onIdle };
  if (rps === undefined)
    return new ClosedLoop(
      options,
      new SharedClaims(requests, blockSizeFor(requests, threads, pipeline), plan.counter),
    );
  const scheduled = Math.min(requests, Math.ceil((durationMs / 1000) * rps));
  return new OpenLoop(options, new StridedClaims(scheduled, plan.thread, threads), rps);
}
