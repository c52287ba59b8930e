import { monitor } from '../monitor/monitor.ts';
import type { MonitorOptions, MonitorSummary, OnEvent } from '../monitor/options.ts';
import { TrialSource, type Room } from './trial-source.ts';

/** How an experiment is followed: everything but what it is itself. */
export type FollowOptions = Omit<MonitorOptions, 'sources' | 'armFirst'>;

/**
 * Runs an experiment under the monitor, in one process: its session holds what it did and what the hooks saw. It starts
 * when the hooks are armed. `options.stop` aborts its room's signal at once.
 * @throws {UsageError} when the session folder cannot be made; and what the experiment throws, after the session is whole.
 */
export async function inMonitor(
  work: (room: Room) => Promise<void>,
  options: FollowOptions,
  onEvent: OnEvent,
): Promise<MonitorSummary> {
  const source = new TrialSource(work);
  // The monitor gives a source its last words first; ours are spoken sooner when it is told at once.
  const stop = (): void => void source.stop();
  options.stop.addEventListener('abort', stop, { once: true });
  try {
    const summary = await monitor({ ...options, sources: [source], armFirst: true }, onEvent);
    const end = summary.sources[source.id];
    if (end?.state === 'failed') throw end.error;
    return summary;
  } finally {
    options.stop.removeEventListener('abort', stop);
  }
}
