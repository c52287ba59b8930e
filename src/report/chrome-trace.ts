import { factOf, type ReportSpan } from './report.ts';
import type { ExportSource } from './export-source.ts';

const stagesPid = 1;
const hooksPid = 2;
const metricsPid = 3;
const microsecondsPerMs = 1_000;

/**
 * A trace for ui.perfetto.dev and chrome://tracing, in the Trace Event Format: stages by source, what each hook
 * captured, and metrics as counters. Times begin with the session, µs. Spans may overlap, so they are async events.
 */
export function* chromeTrace({ report, spans }: ExportSource): Iterable<string> {
  yield '{"displayTimeUnit":"ms","traceEvents":[\n';
  const events = [...nameEvents(report.session.label), ...spans.flatMap(eventsOf)];
  yield events.map((event) => JSON.stringify(event)).join(',\n');
  for (const { hook, target, timesMs, values } of report.series)
    for (const [name, points] of Object.entries(values)) {
      const counters = points.flatMap((value, index) => {
        const ts = (timesMs[index] ?? 0) * microsecondsPerMs;
        if (value === null || !isIn(spans, ts, report.spans)) return [];
        const counter = {
          ph: 'C',
          pid: metricsPid,
          tid: 0,
          ts,
          name: `${target} ${hook} ${name}`,
          args: { value },
        };
        return [JSON.stringify(counter)];
      });
      if (counters.length > 0) yield `,\n${counters.join(',\n')}`;
    }
  const { startedAt, versions } = report.session;
  yield `\n],"otherData":${JSON.stringify({ startedAt, ...versions })}}\n`;
}

/** Metrics of the whole session, or of the spans chosen. */
function isIn(spans: readonly ReportSpan[], ts: number, all: readonly ReportSpan[]): boolean {
  if (spans.length === all.length) return true;
  const ms = ts / microsecondsPerMs;
  return spans.some(({ startMs, durationMs }) => ms >= startMs && ms <= startMs + durationMs);
}

function nameEvents(label: string): object[] {
  const name = (pid: number, text: string): object => ({
    ph: 'M',
    pid,
    tid: 0,
    ts: 0,
    name: 'process_name',
    args: { name: text },
  });
  return [name(stagesPid, `stages: ${label}`), name(hooksPid, 'hooks'), name(metricsPid, 'metrics')];
}

function eventsOf(span: ReportSpan): object[] {
  const { id, stage, source, state, late, startMs, durationMs, trial, targets } = span;
  const samples = factOf(span, 'perf-record', 'samples');
  const args = {
    span: id,
    source,
    state,
    late,
    ...(trial === undefined ? {} : { trial }),
    ...(samples === undefined ? {} : { samples }),
  };
  const events = pair(stagesPid, `stage`, stage, `${id}`, startMs, startMs + durationMs, args);
  for (const { target, hooks } of targets)
    for (const { hook, coverage, startDelayMs, stopDelayMs } of hooks) {
      if (startDelayMs === undefined || coverage.state === 'none') continue;
      const from = startMs + startDelayMs;
      const to = Math.max(from, startMs + durationMs + (stopDelayMs ?? 0));
      const about = { span: id, stage, target, startDelayMs, ...coverage };
      events.push(...pair(hooksPid, 'hook', `${hook} ${target}`, `${id} ${hook} ${target}`, from, to, about));
    }
  return events;
}

/** The begin and the end of an async event. */
function pair(
  pid: number,
  cat: string,
  name: string,
  id: string,
  fromMs: number,
  toMs: number,
  args: object,
): object[] {
  const head = { pid, tid: 0, cat, name, id };
  return [
    { ph: 'b', ts: fromMs * microsecondsPerMs, ...head, args },
    { ph: 'e', ts: toMs * microsecondsPerMs, ...head },
  ];
}
