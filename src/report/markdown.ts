import { answerInWords, settingsInWords } from './answer.ts';
import { artifactsOf, readArtifact } from './artifacts.ts';
import type { ExportSource } from './export-source.ts';
import { functionsOf, topFunctions } from './functions.ts';
import { factOf, type ReportSpan } from './report.ts';

const listedSpans = 60;
const listedFunctions = 5;
const longestText = 200;

/** A summary for a pull request: answer, warnings, spans, trials, and where the CPU time went. */
export async function markdown({ report, spans }: ExportSource): Promise<string[]> {
  const { session, warnings, trials, targets } = report;
  const parts = [`## stagewatch: ${markdownText(session.label)}`];
  const facts = [
    `${spans.length} spans`,
    ...(session.state === 'complete' ? [] : [`**${session.state}**`]),
    ...targets.map(({ program, version, target }) =>
      markdownText([program, version, target].filter(Boolean).join(' ')),
    ),
    markdownText(session.startedAt),
  ];
  parts.push(facts.join(' · '));
  const [first, ...rest] = answerInWords(report).map(markdownText);
  if (first !== undefined) parts.push([`**${first}**`, ...rest].join('  \n'));
  const ids = new Set(spans.map(({ id }) => id));
  const said = warnings.filter(({ span }) =>
    span === undefined ? spans.length === report.spans.length : ids.has(span),
  );
  if (said.length > 0)
    parts.push(
      said
        .slice(0, listedSpans)
        .map(({ code, message }) => `- ⚠️ \`${code}\` ${markdownText(message)}`)
        .join('\n'),
    );
  const rows = await Promise.all(spans.slice(0, listedSpans).map((span) => spanRow(session.folder, span)));
  parts.push(
    markdownTable(['span', 'stage', 'duration', 'CPU', 'samples', 'hottest functions (self)'], rows),
  );
  if (spans.length > listedSpans) parts.push(`and ${spans.length - listedSpans} more spans`);
  const wanted = trials.filter(({ span }) => span === undefined || ids.has(span));
  if (wanted.length > 0)
    parts.push(
      markdownTable(
        ['trial', 'configuration', 'QPS', 'p99 ms', 'recall', ''],
        wanted.slice(0, listedSpans).map((trial) => {
          const result = trial.state === 'measured' ? trial.result : {};
          const figures = ['qps', 'latencyP99', 'recallAvg'].map((key) => shown(result[key]));
          return [
            `${trial.number}`,
            settingsInWords(trial.config),
            ...figures,
            trial.state === 'failed' ? trial.message : trial.purpose,
          ];
        }),
      ),
    );
  return [`${parts.join('\n\n')}\n`];
}

async function spanRow(folder: string, span: ReportSpan): Promise<string[]> {
  const cpuMs = factOf(span, 'perf-record', 'cpuMs');
  const samples = factOf(span, 'perf-record', 'samples');
  const [artifact] = artifactsOf(span, 'stacks.folded');
  const folded = artifact && (await readArtifact(folder, artifact));
  const functions = functionsOf(folded ?? '');
  const top = topFunctions(functions, 'self', listedFunctions).map(
    ({ name, self }) => `${name} ${((100 * self) / functions.total).toFixed(0)} %`,
  );
  return [
    `${span.id}`,
    span.stage,
    `${(span.durationMs / 1_000).toFixed(3)} s${span.state === 'finished' ? '' : ` (${span.state})`}`,
    cpuMs === undefined ? '-' : `${(cpuMs / 1_000).toFixed(2)} s`,
    samples === undefined ? '-' : `${samples}`,
    top.join(', '),
  ];
}

export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(markdownText).join(' | ')} |`;
  return [line(head), `| ${head.map(() => '---').join(' | ')} |`, ...rows.map(line)].join('\n');
}

function shown(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? `${value}` : value.toFixed(3);
  return '-';
}

/** Names from outside as plain text: no markup, no mention, no link, on one line. */
export function markdownText(value: string): string {
  const short = value.length > longestText ? `${value.slice(0, longestText - 1)}…` : value;
  return short
    .replaceAll(/[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/[\\`*_{}[\]()#|~!]/g, '\\$&')
    .replaceAll('@', '&#64;')
    .replaceAll(/(https?|ftp):/gi, '$1&#58;')
    .replaceAll(/\bwww\./gi, 'www&#46;');
}
