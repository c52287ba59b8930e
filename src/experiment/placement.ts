import { BenchmarkError } from '../bench/error.ts';
import { StagewatchError, UsageError } from '../error.ts';
import { type Change, Changes } from '../restore/changes.ts';
import { Children } from '../restore/children.ts';
import { findTargets } from '../target/find.ts';
import { LocalHost } from '../target/local-host.ts';
import type { LocalTarget } from '../target/local-target.ts';
import { locateTarget } from '../target/locate.ts';
import type { ServerAddress } from '../valkey/client.ts';
import { demandTaskset, moveThread, threadOf, threadsOf, type ThreadPlace } from './affinity.ts';
import { type CpuList, formatCpus } from './cpu-list.ts';
import { demandRestored } from './not-restored.ts';
import type { Journal, Preparation } from './preparation.ts';

export interface PlacementPlan {
  readonly address: ServerAddress;
  /** Where the server's threads run; as they were without. */
  readonly serverCpus?: CpuList;
  /** Where the benchmark runs: it is started with `launcherOf` these. */
  readonly clientCpus?: CpuList;
}

/** Threads may start while others are moved; they inherit, so that this ends soon. */
const maxRounds = 10;

/** What stands before a program that is to run on these CPUs, with all that it starts. */
export function launcherOf(cpus: CpuList): readonly string[] {
  return ['taskset', '-c', formatCpus(cpus)];
}

/** Moves the server's threads, again when it was restarted, and puts each back where it was; tells where all run. */
export class Placement implements Preparation {
  readonly #plan: PlacementPlan;
  readonly #journal: Journal;
  readonly #changes: Changes;
  readonly #children = new Children();
  readonly #host = new LocalHost(this.#children);
  #placed: LocalTarget | undefined;

  private constructor(plan: PlacementPlan, journal: Journal) {
    this.#plan = plan;
    this.#journal = journal;
    this.#changes = new Changes(journal);
  }

  /**
   * Looks whether it can be done; moves nothing yet.
   * @throws {UsageError} not-local. @throws {MissingError} no-taskset. @throws {BenchmarkError} when the server is not there.
   */
  static async open(plan: PlacementPlan, journal: Journal): Promise<Placement> {
    const placement = new Placement(plan, journal);
    try {
      if (plan.serverCpus) await placement.#server();
      if (plan.serverCpus || plan.clientCpus) await demandTaskset(placement.#host);
      if (plan.clientCpus)
        await placement.#tell(`the benchmark runs on the CPUs ${formatCpus(plan.clientCpus)}`);
    } catch (error) {
      await placement[Symbol.asyncDispose]();
      throw error;
    }
    return placement;
  }

  /** @throws {BenchmarkError} affinity-refused, affinity-not-kept, server-gone. */
  async before(): Promise<void> {
    const { serverCpus } = this.#plan;
    if (!serverCpus || this.#placed?.isAlive()) return;
    const server = await this.#server();
    const cpus = formatCpus(serverCpus);
    const moved = await this.#move(server.pid, cpus);
    this.#placed = server;
    await this.#tell(
      `${server.program} (PID ${server.pid}) runs on the CPUs ${cpus}, with all of its ${moved} threads`,
    );
  }

  /** @throws {BenchmarkError} not-restored, when a thread could not be put back; the others are. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#changes[Symbol.asyncDispose]();
    await this.#children[Symbol.asyncDispose]();
    demandRestored(this.#changes);
  }

  /** @returns how many threads it has. */
  async #move(pid: number, cpus: string): Promise<number> {
    for (let round = 0; round < maxRounds; round++) {
      const threads = threadsOf(pid);
      const elsewhere = threads.filter((thread) => thread.cpus !== cpus);
      if (threads.length > 0 && elsewhere.length === 0) return threads.length;
      const recorded = new Set(threads.map(({ tid }) => tid));
      await this.#changes.make(...elsewhere.map((thread) => this.#change(thread, cpus, recorded)));
    }
    const left = threadsOf(pid).find((thread) => thread.cpus !== cpus);
    throw new BenchmarkError(
      'affinity-not-kept',
      left === undefined
        ? `Expected process ${pid} to have threads that run on the CPUs ${cpus}, but it is gone.`
        : `Expected all threads of ${pid} to run on the CPUs ${cpus}, but ${left.tid} runs on ${left.cpus}.`,
    );
  }

  /** @param recorded threads that have a place of their own to go back to. */
  #change(thread: ThreadPlace, cpus: string, recorded: ReadonlySet<number>): Change {
    const { tid, pid, startTicks } = thread;
    const now = (): ThreadPlace | undefined => {
      const found = threadOf(pid, tid);
      return found?.startTicks === startTicks ? found : undefined;
    };
    return {
      setting: `affinity:${tid}`,
      thread: { tid, pid, startTicks },
      from: thread.cpus,
      to: cpus,
      apply: async () => {
        // The first one moves them all.
        if ((now()?.cpus ?? cpus) !== cpus) await moveThread(this.#host, pid, cpus, 'all');
      },
      putBack: async (from) => {
        const found = now();
        if (found === undefined) return; // it ended, and its place with it
        if (found.cpus !== from) await moveThread(this.#host, tid, from, 'one');
        if (tid === pid)
          for (const born of threadsOf(pid))
            if (!recorded.has(born.tid) && born.cpus === cpus)
              await moveThread(this.#host, born.tid, from, 'one');
        const kept = now()?.cpus ?? from;
        if (kept !== from) throw new Error(`thread ${tid} of ${pid} runs on the CPUs ${kept}`);
      },
    };
  }

  /** @throws {UsageError} not-local. @throws {BenchmarkError} server-gone, and why it cannot be asked. */
  async #server(): Promise<LocalTarget> {
    const { address } = this.#plan;
    try {
      const found = findTargets(await locateTarget({ in: 'address', address }, this.#host), this.#host);
      if (found.state === 'found') return found.targets[0]!;
      throw new BenchmarkError('server-gone', `Expected ${found.lookedFor}, found ${found.state}.`);
    } catch (error) {
      if (error instanceof BenchmarkError || !(error instanceof StagewatchError)) throw error;
      if (error.code === 'not-local')
        throw new UsageError(
          'not-local',
          `Expected a server of this machine for --server-cpus. ${error.message}`,
          { cause: error },
        );
      throw new BenchmarkError(error.code, error.message, { cause: error });
    }
  }

  async #tell(message: string): Promise<void> {
    await this.#journal({ type: 'notice', code: 'placement', message });
  }
}
