import { stageLabel } from '../../src/stage/stage.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import type { Room } from '../../src/experiment/trial-source.ts';

/** What an experiment may do, without a monitor around it; keeps what it told. */
export class PlainRoom implements Room {
  readonly events: SessionEvent[] = [];
  readonly stages: string[] = [];
  readonly #stop = new AbortController();

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  stop(): void {
    this.#stop.abort();
  }

  stage: Room['stage'] = (stage, work) => {
    return work({
      begin: async () => void this.stages.push(stageLabel(stage)),
      end: async () => {},
    });
  };

  tell = (event: SessionEvent): void => void this.events.push(event);

  journal = (event: SessionEvent): Promise<void> => Promise.resolve(this.tell(event));

  /** `changing maxmemory 0->100`, in order. */
  get settings(): string[] {
    return this.events.flatMap((event) =>
      event.type === 'setting' ? [`${event.state} ${event.setting} ${event.from}->${event.to}`] : [],
    );
  }
}
