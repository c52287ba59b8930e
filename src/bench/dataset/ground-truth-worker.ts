import { parentPort, workerData } from 'node:worker_threads';
import { messageOf, StagewatchError } from '../../error.ts';
import { searchClaimed, type WorkerAnswer, type WorkerJob } from './ground-truth.ts';

/** One thread of the search: takes chunks of vectors until none is left. */
async function answer({ job, claimed }: WorkerJob): Promise<WorkerAnswer> {
  try {
    return { state: 'done', ...(await searchClaimed(job, claimed)) };
  } catch (error) {
    const code = error instanceof StagewatchError ? error.code : 'dataset-search';
    return { state: 'failed', code, message: messageOf(error) };
  }
}

parentPort?.postMessage(await answer(workerData as WorkerJob));
