import { join } from 'node:path';
import { isRunning, readStat } from '../restore/stat.ts';
import type { JournalLine } from '../session/events.ts';
import { SESSION_FILES, spanFolderName } from '../session/layout.ts';
import { readSession, type ReadSession } from '../session/read.ts';
import { parseStage } from '../stage/stage.ts';
import { hooksOf } from './hook-rows.ts';
import type {
  Report,
  ReportSpan,
  ReportTarget,
  ReportTrial,
  ReportWarning,
  SessionHead,
  SpanTarget,
} from './report.ts';
import { readSeries } from './series.ts';
import { readSpanFile } from './span-file.ts';
import { trialsOf } from './trials.ts';

/** Small files: the disk takes several at once. */
const FILES_AT_ONCE = 32;

/**
 * Everything that a session folder tells; of one that is still being written, was cut short, or is not ours too.
 * @param wanted which series are read; all by default.
 * @throws {UsageError} not-a-session; newer-session.
 */
export async function readReport(
  folder: string,
  wanted: (name: string) => boolean = () => true,
): Promise<Report> {
  const session = await readSession(folder);
  return {
    ...(await reportOf(session, readSpanFile)),
    series: await readSeries(join(folder, SESSION_FILES.metrics), zeroOf(session), wanted),
  };
}

/** Where the axis of a session begins: CLOCK_MONOTONIC, ns. */
export function zeroOf({ events }: Pick<ReadSession, 'events'>): number {
  return events[0]?.monoNs ?? 0;
}

/**
 * The same of a journal that was read already, without what was sampled.
 * @param readTargets reads a span.json; undefined where there is none.
 */
export async function reportOf(
  session: ReadSession,
  readTargets: (path: string) => Promise<readonly SpanTarget[] | undefined>,
): Promise<Report> {
  const zeroNs = zeroOf(session);
  const trials = trialsOf(session.events);
  const spans = await readSpans(session, zeroNs, trials, readTargets);
  return {
    session: headOf(session, zeroNs),
    asked: askedOf(aboutOf(session)),
    answer: answerOf(session.events),
    warnings: warningsOf(session.events),
    hooks: hooksOf(session.events),
    spans,
    trials,
    targets: targetsOf(session.events),
    series: [],
    host: objectOf(session.info['host']),
  };
}

/** Of a session that was cut short session.json may be missing: the journal begins with the same. */
function aboutOf({ info, events }: ReadSession): Readonly<Record<string, unknown>> {
  const begun = events.find((event) => event.type === 'session' && event.state === 'started');
  return { ...(begun?.type === 'session' && begun.state === 'started' ? begun.about : {}), ...info };
}

function headOf(session: ReadSession, zeroNs: number): SessionHead {
  const { folder, info, events, badLines } = session;
  const about = aboutOf(session);
  const lastNs = events.reduce((last, event) => Math.max(last, event.monoNs), zeroNs);
  return {
    folder,
    label: typeof about['label'] === 'string' ? about['label'] : '',
    state: stateOf(info, events),
    startedAt: events[0]?.t ?? '',
    zeroNs,
    lastedMs: (lastNs - zeroNs) / 1e6,
    command: stringsOf(about['command']),
    benchmark: stringsOf(about['benchmark']),
    versions: Object.fromEntries(
      Object.entries(objectOf(about['versions'])).map(([name, version]) => [name, String(version)]),
    ),
    badLines,
  };
}

function stateOf(info: ReadSession['info'], events: readonly JournalLine[]): SessionHead['state'] {
  if (info['state'] === 'complete' || info['state'] === 'not-collected') return info['state'];
  const begun = events.find((event) => event.type === 'session' && event.state === 'started');
  if (begun?.type !== 'session' || begun.state !== 'started') return 'cut-short';
  const writer = readStat(begun.pid);
  // A PID with another start time is another process.
  return isRunning(writer) && writer?.startTicks === begun.startTicks ? 'running' : 'cut-short';
}

async function readSpans(
  session: ReadSession,
  zeroNs: number,
  trials: readonly ReportTrial[],
  readTargets: (path: string) => Promise<readonly SpanTarget[] | undefined>,
): Promise<ReportSpan[]> {
  const { events } = session;
  const ends = new Map(events.flatMap((event) => (event.type === 'span-end' ? [[event.span, event]] : [])));
  const trialOf = new Map(trials.flatMap(({ span, number }) => (span === undefined ? [] : [[span, number]])));
  const lastNs = events.at(-1)?.monoNs ?? zeroNs;
  const starts = events.filter((event) => event.type === 'span-start');
  const spans: ReportSpan[] = [];
  for (let i = 0; i < starts.length; i += FILES_AT_ONCE)
    spans.push(...(await Promise.all(starts.slice(i, i + FILES_AT_ONCE).map(readSpan))));
  return spans;

  async function readSpan(start: JournalLine & { type: 'span-start' }): Promise<ReportSpan> {
    const end = ends.get(start.span);
    const trial = trialOf.get(start.span);
    const folder = join(SESSION_FILES.spans, spanFolderName(start.span, parseStage(start.stage)));
    const targets = start.watched
      ? await readTargets(join(session.folder, folder, SESSION_FILES.span))
      : undefined;
    return {
      id: start.span,
      stage: start.stage,
      source: start.source,
      watched: start.watched,
      state: end?.state ?? 'open',
      startMs: (start.monoNs - zeroNs) / 1e6,
      durationMs: end?.durationMs ?? (lastNs - start.monoNs) / 1e6,
      ...(end?.markerDurationMs === undefined ? {} : { markerDurationMs: end.markerDurationMs }),
      late: end?.late !== undefined,
      ...(targets === undefined ? {} : { folder }),
      targets: targets ?? [],
      ...(trial === undefined ? {} : { trial }),
    };
  }
}

function warningsOf(events: readonly JournalLine[]): ReportWarning[] {
  const warnings: ReportWarning[] = [];
  for (const event of events) {
    if (event.type === 'warning') {
      const { code, message, span, hook, target } = event;
      warnings.push({
        code,
        message,
        ...(span === undefined ? {} : { span }),
        ...(hook === undefined ? {} : { hook }),
        ...(target === undefined ? {} : { target }),
      });
    } else if (event.type === 'hook' && (event.state === 'failed' || event.state === 'unavailable')) {
      const { hook, target, reason, mend } = event;
      warnings.push({
        code: `hook-${event.state}`,
        message: mend === undefined ? reason : `${reason}; ${mend}`,
        hook,
        ...(target === undefined ? {} : { target }),
      });
    } else if (event.type === 'target' && (event.state === 'missing' || event.state === 'ambiguous'))
      warnings.push({ code: `target-${event.state}`, message: event.message });
  }
  return warnings;
}

function targetsOf(events: readonly JournalLine[]): ReportTarget[] {
  const targets = new Map<string, ReportTarget>();
  for (const event of events) {
    if (event.type !== 'target') continue;
    if (event.state === 'found') {
      const { target, program, pid, port, commandLine } = event;
      targets.set(target, { target, program, pid, commandLine, ...(port === undefined ? {} : { port }) });
    } else if (event.state === 'identified') {
      const found = targets.get(event.target);
      if (!found) continue;
      targets.set(event.target, {
        ...found,
        ...(event.version === undefined ? {} : { version: event.version }),
        ...(event.buildId === undefined ? {} : { buildId: event.buildId }),
      });
    }
  }
  return [...targets.values()];
}

function answerOf(events: readonly JournalLine[]): Report['answer'] {
  const last = events.findLast((event) => event.type === 'answer');
  return last?.type === 'answer' ? last.answer : null;
}

function askedOf(about: Readonly<Record<string, unknown>>): Report['asked'] {
  const { command, question } = objectOf(about['experiment']);
  return typeof command === 'string' ? { command, question: objectOf(question) } : null;
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

function stringsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((word) => typeof word === 'string') : [];
}
