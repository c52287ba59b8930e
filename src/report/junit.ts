import type { ExportSource } from './export-source.ts';
import type { ReportSpan, ReportTrial } from './report.ts';

/**
 * JUnit XML for CI: each span is a test case that fails when it never ended or its trial failed; warnings are what the
 * case has to say.
 */
export function* junit({ report, spans }: ExportSource): Iterable<string> {
  const { label, startedAt, lastedMs } = report.session;
  const trials = new Map(report.trials.map((trial) => [trial.number, trial]));
  const cases = spans.map((span) => ({
    span,
    failure: failureOf(span, span.trial === undefined ? undefined : trials.get(span.trial)),
  }));
  const withSpan = new Set(spans.map(({ trial }) => trial));
  const lost = report.trials.filter((trial) => trial.state === 'failed' && !withSpan.has(trial.number));
  const isAll = spans.length === report.spans.length;
  const alone = isAll ? lost : [];
  const failures = cases.filter(({ failure }) => failure !== undefined).length + alone.length;
  const head = `name="${xml(label)}" tests="${cases.length + alone.length}" failures="${failures}" errors="0" time="${seconds(lastedMs)}"`;
  yield `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${head}>\n`;
  yield `<testsuite ${head} timestamp="${xml(startedAt)}">\n`;
  for (const { span, failure } of cases) {
    const said = report.warnings.filter((warning) => warning.span === span.id);
    yield `<testcase classname="${xml(span.stage)}" name="${xml(`span ${span.id} ${span.stage}`)}" time="${seconds(span.durationMs)}">`;
    if (failure !== undefined) yield `<failure message="${xml(failure)}"/>`;
    if (said.length > 0)
      yield `<system-out>${xml(said.map(({ code, message }) => `${code}: ${message}`).join('\n'))}</system-out>`;
    yield '</testcase>\n';
  }
  for (const trial of alone)
    yield `<testcase classname="${xml(trial.stage)}" name="${xml(`trial ${trial.number} ${trial.stage}`)}" time="0"><failure message="${xml(trial.state === 'failed' ? trial.message : '')}"/></testcase>\n`;
  const rest = report.warnings.filter((warning) => warning.span === undefined);
  if (isAll && rest.length > 0)
    yield `<system-out>${xml(rest.map(({ code, message }) => `${code}: ${message}`).join('\n'))}</system-out>\n`;
  yield '</testsuite>\n</testsuites>\n';
}

function failureOf(span: ReportSpan, trial: ReportTrial | undefined): string | undefined {
  if (trial?.state === 'failed') return `${trial.code}: ${trial.message}`;
  if (span.state === 'finished') return undefined;
  return span.state === 'open'
    ? 'the session ended before the stage did'
    : 'the stage began, but its end never came';
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(3);
}

/** Text of an element or attribute; what XML may not hold at all is shown as `?`. */
export function xml(text: string): string {
  return text
    .replace(/\p{Surrogate}/gu, '?')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '?')
    .replaceAll('\n', '&#10;');
}
