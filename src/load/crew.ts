import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { LoadError } from './error.ts';
import { LoadThread } from './thread.ts';
import type { ThreadEvents, ThreadPlan, ThreadProgress, ThreadReport } from './thread-plan.ts';

export type ToWorker = { readonly do: 'run'; readonly startMs: number } | { readonly do: 'stop' };

export type FromWorker =
  | { readonly say: 'ready' }
  | { readonly say: 'progress'; readonly progress: ThreadProgress }
  | { readonly say: 'done'; readonly report: ThreadReport }
  | { readonly say: 'failed'; readonly code: string; readonly message: string };

/** A thread of the load, here or in a worker. */
export interface Member {
  run(startMs: number): Promise<ThreadReport>;
  stop(): void;
  close(): void | Promise<void>;
}

/**
 * All threads connected and ready. One thread is run on the caller's: nothing is gained by a second one that waits.
 * @throws {LoadError}
 */
export async function gatherCrew(
  plans: readonly ThreadPlan[],
  onProgress: (thread: number, progress: ThreadProgress) => void,
): Promise<Member[]> {
  const eventsOf = (thread: number): ThreadEvents => ({
    progress: (progress) => onProgress(thread, progress),
  });
  if (plans.length === 1) return [await LoadThread.connect(plans[0]!, eventsOf(0))];
  const members = plans.map((plan, i) => new WorkerMember(plan, eventsOf(i)));
  try {
    await Promise.all(members.map((member) => member.ready));
    return members;
  } catch (error) {
    await Promise.all(members.map((member) => member.close()));
    throw error;
  }
}

class WorkerMember implements Member {
  readonly ready: Promise<void>;
  readonly #worker: Worker;
  readonly #report: Promise<ThreadReport>;

  constructor(plan: ThreadPlan, events: ThreadEvents) {
    this.#worker = new Worker(workerPath(), { workerData: plan });
    const failed = new Promise<never>((_, reject) => {
      this.#worker.on('message', (message: FromWorker) => {
        if (message.say === 'failed') reject(new LoadError(message.code, message.message));
        else if (message.say === 'progress') events.progress(message.progress);
      });
      this.#worker.on('error', reject);
      this.#worker.on('exit', (code) =>
        reject(new LoadError('thread-ended', `A thread of the load ended with ${code}.`)),
      );
    });
    this.ready = Promise.race([
      new Promise<void>((resolve) => {
        this.#worker.on('message', (message: FromWorker) => {
          if (message.say === 'ready') resolve();
        });
      }),
      failed,
    ]);
    this.#report = Promise.race([
      new Promise<ThreadReport>((resolve) => {
        this.#worker.on('message', (message: FromWorker) => {
          if (message.say === 'done') resolve(message.report);
        });
      }),
      failed,
    ]);
    for (const promise of [this.ready, this.#report]) promise.catch(() => {}); // not awaited yet
  }

  run(startMs: number): Promise<ThreadReport> {
    this.#tell({ do: 'run', startMs });
    return this.#report;
  }

  stop(): void {
    this.#tell({ do: 'stop' });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #tell(message: ToWorker): void {
    this.#worker.postMessage(message);
  }
}

/** Run from source (tests), the compiled worker is in dist/. */
function workerPath(): string {
  return fileURLToPath(
    import.meta.url.endsWith('.ts')
      ? new URL('../../dist/src/load/thread-worker.js', import.meta.url)
      : new URL('./thread-worker.js', import.meta.url),
  );
}
