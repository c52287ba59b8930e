import type { Host } from '../target/contract.ts';
import { runInBackground } from './background.ts';

export interface FlamegraphJob {
  readonly pages: readonly {
    readonly title: string;
    readonly facts: readonly string[];
    /** What a weight counts; default samples. */
    readonly unit?: string;
    /** Absolute paths. */
    readonly folded: string;
    readonly html: string;
  }[];
}

/** Renders flamegraph.html for all of them in one background child. @param host this machine. */
export async function renderFlamegraphs(host: Host, pages: FlamegraphJob['pages']): Promise<void> {
  const job: FlamegraphJob = { pages };
  if (pages.length > 0) await runInBackground<object>(host, 'flamegraph-main', job);
}
