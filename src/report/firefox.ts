import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { foldData } from '../perf/fold-data.ts';
import { readScript } from '../perf/script-pass.ts';
import { scriptCommand } from '../perf/script-text.ts';
import { TimedSamples } from '../perf/timed-samples.ts';
import { SESSION_FILES, targetFolder } from '../session/layout.ts';
import { type ExportSource, profilesOf } from './export-source.ts';
import { categoryList, firefoxThread, type StageMarker } from './firefox-threads.ts';
import { factOf, type ReportTarget } from './report.ts';

/** Of the processed format: older ones are still read, each newer one converts them. */
const formatVersion = 47;
const recordingName = /^perf\.data(\.\d+)?$/;

const markerSchema = [
  {
    name: 'Stage',
    display: ['marker-chart', 'marker-table', 'timeline-overview', 'timeline-ipc'],
    chartLabel: '{marker.data.stage}',
    tableLabel: '{marker.data.stage}',
    tooltipLabel: '{marker.data.stage}',
    data: [
      { key: 'stage', label: 'Stage', format: 'string', searchable: true },
      { key: 'span', label: 'Span', format: 'integer' },
    ],
  },
];

/**
 * A profile for profiler.firefox.com, its processed format: a track for each thread, each sample at its time, stages
 * as markers. Where a recording is gone the folded stacks remain: their samples are spread evenly over their span.
 */
export async function firefox(source: ExportSource): Promise<string[]> {
  const { report, spans } = source;
  const stages = spans.map(({ id, stage, startMs, durationMs }) => ({
    stage,
    span: id,
    startMs,
    endMs: startMs + durationMs,
  }));
  const threads: object[] = [];
  const missing = new Set<string>();
  for (const target of report.targets) {
    const recorded = await recordedThreads(source, target, stages);
    if (recorded.length === 0) missing.add(target.target);
    threads.push(...recorded);
  }
  const known = new Set(report.targets.map(({ target }) => target));
  threads.push(
    ...(await spreadThreads(source, stages, (target) => missing.has(target) || !known.has(target))),
  );
  if (threads.length === 0) threads.push(stagesAlone(stages));
  const frequency = spans
    .map((span) => factOf(span, 'perf-record', 'frequency'))
    .find((one) => one !== undefined);
  const { startedAt, label, command } = report.session;
  const profile = {
    meta: {
      preprocessedProfileVersion: formatVersion,
      version: 29,
      product: 'stagewatch',
      startTime: Date.parse(startedAt) || 0,
      interval: 1_000 / (frequency ?? 1_000),
      processType: 0,
      stackwalk: 1,
      debug: false,
      symbolicated: true,
      usesOnlyOneStackType: true,
      doesNotUseFrameImplementation: true,
      sourceCodeIsNotOnSearchfox: true,
      arguments: [label, ...command].join(' '),
      extensions: { length: 0, baseURL: [], id: [], name: [] },
      categories: categoryList,
      markerSchema,
    },
    libs: [],
    pages: [],
    counters: [],
    threads,
  };
  return [`${JSON.stringify(profile)}\n`];
}

async function recordedThreads(
  { report, spans }: ExportSource,
  { target, program, pid }: ReportTarget,
  stages: readonly StageMarker[],
): Promise<object[]> {
  const isAll = spans.length === report.spans.length;
  const wants = (ms: number): boolean =>
    isAll || stages.some(({ startMs, endMs }) => ms >= startMs && ms <= endMs);
  const samples = new TimedSamples(BigInt(Math.round(report.session.zeroNs)), pid, wants);
  const folder = targetFolder(report.session.folder, target);
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((one) => recordingName.test(one)).sort()) {
    const path = join(folder, name);
    // A recording that cannot be read is like one that is gone.
    await foldData(path, samples)
      .then((pass) => pass ?? readScript(scriptCommand(path), samples))
      .catch(() => undefined);
  }
  return [...samples.threads].map(({ comm, pid: ofPid, tid, timesMs, nodes }) => {
    const order = timesMs.map((_, index) => index).sort((a, b) => (timesMs[a] ?? 0) - (timesMs[b] ?? 0));
    const isMainThread = tid === ofPid;
    return firefoxThread(
      {
        name: comm,
        pid: ofPid,
        tid,
        isMainThread,
        processName: ofPid === pid ? `${program} ${target}` : comm,
      },
      order.map((index) => timesMs[index] ?? 0),
      order.map((index) => samples.stackOf(nodes[index] ?? 0)),
      isMainThread ? stages : [],
    );
  });
}

/** A thread for each target and pool, out of folded stacks. */
async function spreadThreads(
  source: ExportSource,
  stages: readonly StageMarker[],
  wanted: (target: string) => boolean,
): Promise<object[]> {
  const pools = new Map<string, { target: string; pool: string; timesMs: number[]; stacks: string[][] }>();
  for await (const { span, target, kind, stacks } of profilesOf(source)) {
    if (kind !== 'on-CPU' || !wanted(target)) continue;
    for (const pool of new Set(stacks.map(({ stack }) => stack[0] ?? ''))) {
      const own = stacks.filter(({ stack }) => (stack[0] ?? '') === pool);
      const key = JSON.stringify([target, pool]);
      let thread = pools.get(key);
      if (thread === undefined) pools.set(key, (thread = { target, pool, timesMs: [], stacks: [] }));
      const each = own.flatMap(({ stack, weight }) =>
        Array.from({ length: Math.round(weight) }, () => stack.slice(1)),
      );
      for (const [index, stack] of each.entries()) {
        thread.timesMs.push(span.startMs + (span.durationMs * (index + 0.5)) / each.length);
        thread.stacks.push(stack);
      }
    }
  }
  return [...pools.values()].map(({ target, pool, timesMs, stacks }, index) => {
    const head = { name: pool, pid: 0, tid: index + 1, isMainThread: index === 0, processName: target };
    return firefoxThread(head, timesMs, stacks, index === 0 ? stages : []);
  });
}

function stagesAlone(stages: readonly StageMarker[]): object {
  const head = { name: SESSION_FILES.spans, pid: 0, tid: 1, isMainThread: true, processName: 'stagewatch' };
  return firefoxThread(head, [], [], stages);
}
