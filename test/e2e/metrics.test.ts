import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { serveFolder } from '../dashboard/served.ts';
import { madeSession } from '../report/made-session.ts';
import { locate } from '../servers/locate.ts';
import { needs } from '../servers/need.ts';
import { startServer, type RunningServer } from '../servers/start.ts';
import { LiveRun } from './live-run.ts';
import { Prometheus } from './prometheus.ts';
import { startLoad } from './support.ts';

needs('perf', 'valkey-server', 'valkey-benchmark', 'prometheus', 'promtool');

const patience = { timeout: 60_000, interval: 500 };

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

const dashboard = JSON.parse(
  readFileSync(new URL('../../docs/grafana/stagewatch.json', import.meta.url), 'utf8'),
) as Dashboard;

let server: RunningServer;
let load: AsyncDisposable;
beforeAll(async () => {
  server = await startServer();
  load = startLoad(server.port);
});
afterAll(async () => {
  await load[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const hostile = 'get:"\\}{<script>';

test(
  'Prometheus scrapes a live run and a search, and each panel of the Grafana dashboard has data',
  { timeout: 180_000 },
  async () => {
    await using run = new LiveRun(
      server.pid,
      ['--profile', 'flamegraph', '--profile', 'server', '--hook', 'threads'],
      ['--serve', '0.0.0.0'],
    );
    const url = await run.url();
    const token = url.searchParams.get('token')!;
    await using search = await madeSession({
      stages: ['vec-query:ef_10', 'vec-query:ef_20'],
      folded: () => 'main 1\n',
      search: true,
    });
    await using searched = await serveFolder(search.folder);
    await using prometheus = await Prometheus.start([
      { address: `127.0.0.1:${url.port}`, token },
      { address: `127.0.0.1:${searched.port}` },
    ]);
    await run.started();
    await run.stage('set');
    run.begin(hostile);
    for (const { title, targets } of dashboard.panels)
      for (const { expr } of targets)
        await expect
          .poll(async () => (await prometheus.query(expr)).length, {
            ...patience,
            message: `${title}: ${expr}`,
          })
          .toBeGreaterThan(0);

    const value = async (expr: string): Promise<number> =>
      Number((await prometheus.query(expr))[0]?.value[1]);
    // What is told is what is: the open stage, under its own name; the trial; the pools.
    await expect.poll(() => value('stagewatch_stage_open{stage="get"}'), patience).toBe(1);
    expect(await value('sum(stagewatch_trials{state="measured"})')).toBe(2);
    expect(await value('stagewatch_trial_recall')).toBe(0.75);
    expect(await value('stagewatch_sample{name="pools.valkey-server.cpuPercent"}')).toBeGreaterThan(0);
    expect(await value('stagewatch_hook_armed{hook="perf-record"}')).toBe(1);

    const text = await (
      await fetch(new URL('/metrics', url), { headers: { Authorization: `Bearer ${token}` } })
    ).text();
    const checked = spawnSync(locate('promtool')!, ['check', 'metrics'], { input: text, encoding: 'utf8' });
    expect([checked.status, checked.stdout, checked.stderr]).toEqual([0, '', '']);

    run.end(hostile);
    const { ran } = await run.finish();
    expect(ran.code, ran.stderr).toBe(0);
  },
);
