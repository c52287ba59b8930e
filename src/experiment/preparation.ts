import type { BenchmarkConfig } from '../bench/config.ts';
import type { SessionEvent } from '../session/events.ts';

/** Tells the journal; resolves once it is on disk. */
export type Journal = (event: SessionEvent) => Promise<void>;

/** Readies the server for each trial; disposing of it puts back all that it changed. */
export interface Preparation extends AsyncDisposable {
  /**
   * Makes the server as the trial wants it. Cheap when nothing has to change.
   * @throws {BenchmarkError} when the server refuses a setting, or does not keep it.
   */
  before(config: BenchmarkConfig): Promise<void>;
}
