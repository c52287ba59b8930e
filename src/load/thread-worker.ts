import { parentPort, workerData } from 'node:worker_threads';
import { StagewatchError, messageOf } from '../error.ts';
import type { FromWorker, ToWorker } from './crew.ts';
import { LoadThread } from './thread.ts';
import type { ThreadPlan } from './thread-plan.ts';

/** Runs one thread of the load in a worker: commands in, progress and one report out. */
const port = parentPort!;
const say = (message: FromWorker): void => port.postMessage(message);
const fail = (error: unknown): void =>
  say({
    say: 'failed',
    code: error instanceof StagewatchError ? error.code : 'thread-failed',
    message: messageOf(error),
  });

try {
  const thread = await LoadThread.connect(workerData as ThreadPlan, {
    progress: (progress) => say({ say: 'progress', progress }),
  });
  const run = async (startMs: number): Promise<void> => {
    try {
      say({ say: 'done', report: await thread.run(startMs) });
    } catch (error) {
      fail(error);
    }
  };
  port.on('message', (message: ToWorker) => {
    if (message.do === 'stop') thread.stop();
    else void run(message.startMs);
  });
  say({ say: 'ready' });
} catch (error) {
  fail(error);
}
