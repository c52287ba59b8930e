import type { PageSession, PageSpan, SpanDetailPlace } from './page-data.ts';
import { factOf, type Report, type ReportSpan } from './report.ts';
import type { SeriesGroup } from './series.ts';
import { filesToOpen, packDetail, readSpanDetail } from './span-detail.ts';

/** Points of a series on the page: more than a screen is wide. */
const MOST_POINTS = 2_000;

/** Bytes that the details of spans may still take on the page. */
export interface PageRoom {
  bytes: number;
}

/** A session as the page carries it. @param room shared by all sessions of the page; what is used is taken away. */
export async function toPageSession(report: Report, room: PageRoom): Promise<PageSession> {
  const places = await placeDetails(report, room);
  const { session, asked, answer, warnings, hooks, targets, host, series, trials, spans } = report;
  return {
    head: session,
    asked,
    answer,
    warnings,
    hooks,
    targets,
    host,
    series: series.map(thin),
    trials,
    spans: spans.map((span) => toPageSpan(span, places.get(span.id) ?? { state: 'none' })),
  };
}

/** The chosen point's spans first: nobody should have to look for them elsewhere. */
async function placeDetails(report: Report, room: PageRoom): Promise<Map<number, SpanDetailPlace>> {
  const collected = report.spans.filter(({ folder }) => folder !== undefined);
  const confirmed = new Set(
    report.trials.flatMap(({ purpose, span }) => (purpose === 'confirm' && span !== undefined ? [span] : [])),
  );
  const ordered = [
    ...collected.filter(({ id }) => confirmed.has(id)),
    ...collected.filter(({ id }) => !confirmed.has(id)),
  ];
  const places = new Map<number, SpanDetailPlace>();
  for (const span of ordered) {
    // Once the room is spent nothing more is read: a session may have thousands of profiles.
    if (room.bytes > 0) {
      const place = await packDetail(await readSpanDetail(report.session.folder, span));
      if (place.state === 'here' && place.packed.length <= room.bytes) {
        room.bytes -= place.packed.length;
        places.set(span.id, place);
        continue;
      }
      room.bytes = 0;
    }
    places.set(span.id, { state: 'folder', files: filesToOpen(span) });
  }
  return places;
}

/** A span as the page carries it. @param detail where its profiles are. */
export function toPageSpan(span: ReportSpan, detail: SpanDetailPlace): PageSpan {
  const { id, stage, watched, state, late, startMs, durationMs, trial, folder, targets } = span;
  const cpuMs = factOf(span, 'threads', 'cpuMs');
  const commandsPerSecond = factOf(span, 'server-metrics', 'commandsPerSecond');
  const cpuUsPerCommand = factOf(span, 'server-metrics', 'cpuUsPerCommand');
  return {
    id,
    stage,
    watched,
    state,
    late,
    startMs: roundMs(startMs),
    durationMs: roundMs(durationMs),
    ...(trial === undefined ? {} : { trial }),
    ...(folder === undefined ? {} : { folder }),
    ...(cpuMs === undefined || durationMs <= 0 ? {} : { cpus: round(cpuMs / durationMs) }),
    ...(commandsPerSecond === undefined ? {} : { commandsPerSecond: round(commandsPerSecond) }),
    ...(cpuUsPerCommand === undefined ? {} : { cpuUsPerCommand: round(cpuUsPerCommand) }),
    hooks: targets.flatMap(({ target, hooks }) =>
      hooks.map(({ hook, coverage, startDelayMs, stopDelayMs }) => ({
        target,
        hook,
        coverage: coverage.state === 'measured' ? { ...coverage, ratio: round(coverage.ratio) } : coverage,
        ...(startDelayMs === undefined ? {} : { startDelayMs: round(startDelayMs) }),
        ...(stopDelayMs === undefined ? {} : { stopDelayMs: round(stopDelayMs) }),
      })),
    ),
    detail,
  };
}

/** At most so many points, each the mean of neighbours; figures to five digits. */
function thin({ hook, target, timesMs, values, samples }: SeriesGroup): SeriesGroup {
  const each = Math.ceil(timesMs.length / MOST_POINTS);
  return {
    hook,
    target,
    timesMs: means(timesMs, each).map((ms) => Math.round(ms ?? 0)),
    values: Object.fromEntries(
      Object.entries(values).map(([name, points]) => [
        name,
        means(points, each).map((value) => (value === null ? null : round(value))),
      ]),
    ),
    samples,
  };
}

function means(values: readonly (number | null)[], each: number): (number | null)[] {
  const thinned: (number | null)[] = [];
  for (let i = 0; i < values.length; i += each) {
    const known = values.slice(i, i + each).filter((value) => value !== null);
    thinned.push(known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length);
  }
  return thinned;
}

/** Five digits are more than a chart shows, and halve the page. */
function round(value: number): number {
  return Number(value.toPrecision(Math.abs(value) >= 10_000 ? 7 : 5));
}

/** To the µs: neighbours must not come to overlap. */
function roundMs(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
