import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { locate } from '../servers/locate.ts';
import { freePort } from '../servers/start.ts';

/** A row of an instant query's answer. */
export interface Row {
  readonly metric: Readonly<Record<string, string>>;
  /** When, and the figure as text. */
  readonly value: readonly [number, string];
}

/** Debian's Prometheus, which scrapes each second. End it with `await using`. */
export class Prometheus implements AsyncDisposable {
  readonly #port: number;
  readonly #end: () => Promise<void>;

  private constructor(port: number, end: () => Promise<void>) {
    this.#port = port;
    this.#end = end;
  }

  /** @param targets what it scrapes: addresses, and a token where one is needed. */
  static async start(
    targets: readonly { readonly address: string; readonly token?: string }[],
  ): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), 'stagewatch-prometheus-'));
    const port = await freePort();
    const jobs = targets.map(({ address, token }, i) => ({
      job_name: `stagewatch-${i}`,
      static_configs: [{ targets: [address] }],
      ...(token === undefined ? {} : { authorization: { credentials: token } }),
    }));
    // JSON is YAML.
    const config = { global: { scrape_interval: '1s', scrape_timeout: '1s' }, scrape_configs: jobs };
    writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
    const child = spawn(
      locate('prometheus')!,
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: 'ignore' },
    );
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    return new Prometheus(port, async () => {
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    });
  }

  /** The rows of an expression now; none while it has not started. @throws what Prometheus says is wrong with it. */
  async query(expr: string): Promise<readonly Row[]> {
    const url = new URL(`http://127.0.0.1:${this.#port}/api/v1/query`);
    url.searchParams.set('query', expr);
    const answer = await fetch(url).catch(() => undefined);
    if (answer === undefined || answer.status === 503) return [];
    const { status, data, error } = (await answer.json()) as {
      status: string;
      data?: { result: readonly Row[] };
      error?: string;
    };
    if (status !== 'success') throw new Error(`${expr}: ${error}`);
    return data?.result ?? [];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#end();
  }
}
