import { Gauge, Registry } from 'prom-client';
import { stageLabel, parseStage } from '../stage/stage.ts';
import type { LiveSession } from './live-session.ts';

/** More stages than this are not told one by one: each is a time series in who scrapes it. */
const MOST_STAGES = 200;

/** What there is to know now, as Prometheus reads it. All figures are of this session. */
export async function metricsText(session: LiveSession): Promise<string> {
  const registry = new Registry();
  const gauge = (name: string, help: string, labelNames: readonly string[] = []): Gauge =>
    new Gauge({ name: `stagewatch_${name}`, help, labelNames: [...labelNames], registers: [registry] });
  const { report } = session;
  if (report) {
    const open = gauge('stage_open', 'Stages that are open now, by name', ['stage']);
    const spans = gauge('spans', 'Stages that were seen, by name', ['stage', 'state']);
    const counts = new Map<string, number>();
    for (const { stage, state } of report.spans) {
      const { name } = parseStage(stage);
      const key = JSON.stringify([stageLabel({ name }), state]);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    for (const [key, count] of [...counts].slice(0, MOST_STAGES)) {
      const [stage, state] = JSON.parse(key) as [string, string];
      spans.set({ stage, state }, count);
      if (state === 'open') open.set({ stage }, count);
    }
    const last = gauge('hook_start_delay_seconds', 'From the marker to the acknowledged capture, last span', [
      'hook',
      'target',
    ]);
    const most = gauge(
      'hook_start_delay_max_seconds',
      'From the marker to the acknowledged capture, slowest span',
      ['hook', 'target'],
    );
    const armed = gauge('hook_armed', '1 while the hook is armed or captures', ['hook', 'target']);
    for (const { hook, target = '', state, lastDelayMs, maxDelayMs } of report.hooks) {
      armed.set({ hook, target }, state === 'armed' || state === 'capturing' ? 1 : 0);
      if (lastDelayMs !== undefined) last.set({ hook, target }, lastDelayMs / 1e3);
      if (maxDelayMs !== undefined) most.set({ hook, target }, maxDelayMs / 1e3);
    }
    gauge('warnings', 'Warnings of this session').set(report.warnings.length);
    const trials = gauge('trials', 'Trials of a search, by outcome', ['state']);
    for (const state of ['measured', 'failed', 'open'] as const)
      trials.set({ state }, report.trials.filter((trial) => trial.state === state).length);
    const latest = report.trials.findLast((trial) => trial.state === 'measured');
    if (latest?.state === 'measured')
      for (const [key, name, help, factor] of trialFigures) {
        const value = latest.result[key];
        if (typeof value === 'number') gauge(name, help).set(value * factor);
      }
  }
  const sampled = gauge('sample', 'Latest sample of host, process and server, by name', [
    'name',
    'hook',
    'target',
  ]);
  for (const { hook, target, values } of session.series())
    for (const [name, points] of Object.entries(values)) {
      const value = points.at(-1);
      if (typeof value === 'number') sampled.set({ name, hook, target }, value);
    }
  return await registry.metrics();
}

const trialFigures: readonly (readonly [key: string, name: string, help: string, factor: number])[] = [
  ['qps', 'trial_qps', 'Requests a second of the latest trial', 1],
  ['latencyP99', 'trial_latency_p99_seconds', '99th percentile of the latency of the latest trial', 1e-3],
  ['recallAvg', 'trial_recall', 'Average recall of the latest trial, 0 to 1', 1],
];
