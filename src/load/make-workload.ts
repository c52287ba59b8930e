import { commandWorkload } from './command-workload.ts';
import type { ThreadPlan } from './thread-plan.ts';
import type { Workload } from './workload.ts';

/** The requests of one thread. Each thread draws its own random numbers. */
export async function makeWorkload(plan: ThreadPlan): Promise<Workload> {
  const { work, pipeline, cluster } = plan;
  const seed = Math.imul(plan.seed, 0x9e3779b1) + plan.thread;
  if (work.kind === 'vectors') {
    const { vectorWorkload } = await import('./vector-workload.ts');
    return vectorWorkload(work.plan, pipeline, seed);
  }
  return commandWorkload({
    commands: work.commands,
    pipeline,
    dataBytes: work.dataBytes,
    cluster,
    seed,
    ...(work.keyspace !== undefined && { keyspace: work.keyspace }),
  });
}
