import { sessionFolder } from './folder.ts';

export interface MadeSession {
  /** Names of its stages, in order. */
  readonly stages: readonly string[];
  /** Of each stage. */
  readonly folded: (stage: number) => string;
  readonly offCpu?: (stage: number) => string;
  /** Samples of the host, four a second, for so long. */
  readonly metricsSeconds?: number;
  /** They are the trials of a search over ef_search, 10 more for each; the second last is the answer. */
  readonly search?: true;
  /** What an experiment that is no search came to. */
  readonly answer?: object;
  /** Of each trial, where they are not in the order of time. */
  readonly efSearch?: (stage: number) => number;
  readonly warnings?: readonly object[];
  /** CPU time of a command in each stage, µs; 10, and 0.1 more for each, without. */
  readonly cpuUs?: (stage: number) => number;
  /** Of session.json; none without. */
  readonly host?: object;
}

/** A whole session made by hand, as a run of stages of 0.9 s with 0.1 s between them leaves it. */
export async function madeSession(made: MadeSession): Promise<{ folder: string } & AsyncDisposable> {
  const { stages } = made;
  const events: object[] = [
    {
      type: 'session',
      state: 'started',
      folder: '/gone',
      pid: 1,
      startTicks: 1,
      about: {
        label: 'made',
        command: ['stagewatch', 'run'],
        versions: { stagewatch: '0' },
        ...(made.search
          ? {
              experiment: {
                command: 'max-qps-recall',
                question: { constraints: { minRecall: 0.9, maxLatencyP99: 10 } },
              },
            }
          : {}),
      },
      monoNs: 5e9,
    },
    {
      type: 'target',
      state: 'found',
      target: 'localhost-1',
      program: 'valkey-server',
      pid: 7,
      startTicks: 1,
      port: 1,
      commandLine: 'valkey-server *:1',
      monoNs: 5e9,
    },
  ];
  const files: Record<string, string> = {};
  for (const [i, stage] of stages.entries()) {
    const span = i + 1;
    const monoNs = 6e9 + i * 1e9;
    const of = { span, stage, source: 'child', watched: true };
    const config = { operation: 'vec-query', efSearch: made.efSearch?.(i) ?? 10 * span, numClients: 4 };
    if (made.search)
      events.push({ type: 'trial', state: 'started', trial: span, purpose: 'ef', stage, config, monoNs });
    events.push({ type: 'span-start', ...of, monoNs });
    events.push({
      type: 'span-end',
      ...of,
      state: 'finished',
      startNs: monoNs,
      durationMs: 900,
      monoNs: monoNs + 9e8,
    });
    if (made.search)
      events.push({
        type: 'trial',
        state: 'measured',
        trial: span,
        tookMs: 950,
        result: resultOf(span),
        monoNs: monoNs + 9.1e8,
      });
    const folder = `spans/${String(span).padStart(3, '0')}-${stage.slice(0, 80).replaceAll(/[^A-Za-z0-9._-]/g, (c) => (c === ':' && stage.indexOf(':') > 0 ? '.' : '_'))}`;
    const artifact = (name: string, text: string): object => {
      files[`${folder}/localhost-1/${name}`] = text;
      return { path: `${folder}/localhost-1/${name}`, bytes: text.length };
    };
    const captured = { coverage: { state: 'measured', ratio: 0.995 }, startDelayMs: 1.5, stopDelayMs: 0.5 };
    const hooks: Record<string, object> = {
      'perf-record': { ...captured, samples: 900, artifacts: [artifact('stacks.folded', made.folded(i))] },
      'server-metrics': {
        ...captured,
        commandsPerSecond: 10_000 + i,
        cpuUsPerCommand: made.cpuUs?.(i) ?? 10 + i / 10,
        artifacts: [
          artifact(
            'server.json',
            JSON.stringify({ commands: { processed: 9000 }, memory: { usedBytes: { start: 1, end: 2 } } }),
          ),
        ],
      },
    };
    if (made.offCpu)
      hooks['off-cpu'] = { ...captured, artifacts: [artifact('offcpu.folded', made.offCpu(i))] };
    files[`${folder}/span.json`] = JSON.stringify({
      version: 1,
      targets: [{ target: 'localhost-1', hooks }],
    });
  }
  for (const warning of made.warnings ?? []) events.push({ type: 'warning', ...warning, monoNs: 6e9 });
  const best = stages.length - 1;
  if (made.search)
    events.push({
      type: 'answer',
      answer: {
        state: 'found',
        limitedBy: 'saturation',
        best: {
          config: { operation: 'vec-query', efSearch: 10 * best, numClients: 4 },
          result: resultOf(best),
          runs: 3,
          qpsInterval: [900, 1_100],
        },
      },
      monoNs: 6e9 + stages.length * 1e9,
    });
  if (made.answer) events.push({ type: 'answer', answer: made.answer, monoNs: 6e9 + stages.length * 1e9 });
  if (made.metricsSeconds) files['metrics.ndjson'] = metricsOf(made.metricsSeconds);
  if (made.host) files['session.json'] = JSON.stringify({ version: 1, state: 'complete', host: made.host });
  return await sessionFolder(events, files);
}

function resultOf(trial: number): object {
  return { qps: 20_000 / (1 + trial / 3), latencyP99: 1 + trial / 5, recallAvg: 1 - 0.5 / trial };
}

function metricsOf(seconds: number): string {
  const lines: string[] = [];
  for (let i = 0; i < seconds * 4; i++)
    lines.push(
      JSON.stringify({
        t: 'x',
        monoNs: 5e9 + i * 2.5e8,
        hook: 'system-metrics',
        target: 'localhost-1',
        cpu: { total: { idlePercent: 50 + 40 * Math.sin(i / 20), systemPercent: 10 } },
        process: { userPercent: 30, systemPercent: 20, rssBytes: 1e8 + i * 1000 },
      }),
    );
  return `${lines.join('\n')}\n`;
}
