import { messageOf } from '../error.ts';
import type { Dashboard } from '../dashboard/dashboard.ts';
import type { OnEvent } from '../monitor/options.ts';

/** `--serve`: the live page, from the start of the session to its end. */
export class ServeView implements AsyncDisposable {
  readonly #address: { readonly host: string; readonly port: number };
  readonly #tell: (line: string) => void;
  #dashboard: Promise<Dashboard | undefined> = Promise.resolve(undefined);

  /** @param tell says where the page is, or why there is none: the session goes on either way. */
  constructor(address: { readonly host: string; readonly port: number }, tell: (line: string) => void) {
    this.#address = address;
    this.#tell = tell;
  }

  onEvent: OnEvent = (event) => {
    if (event.type === 'session' && event.state === 'started') this.#dashboard = this.#start(event.folder);
  };

  /** The last update has gone out. */
  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#dashboard)?.[Symbol.asyncDispose]();
  }

  async #start(folder: string): Promise<Dashboard | undefined> {
    try {
      // Only who serves loads what serves.
      const { startDashboard } = await import('../dashboard/dashboard.ts');
      const dashboard = await startDashboard({ folder, ...this.#address });
      this.#tell(`live page  ${dashboard.url}`);
      return dashboard;
    } catch (error) {
      this.#tell(`no live page: ${messageOf(error)}`);
      return undefined;
    }
  }
}
