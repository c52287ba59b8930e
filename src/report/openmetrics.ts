import type { ExportSource } from './export-source.ts';
import { meansIn } from './series-means.ts';

type Labels = Readonly<Record<string, string | number>>;

/**
 * The figures of each span in the OpenMetrics text format, which Prometheus reads too: durations, delays and coverage
 * of hooks, what the hooks noted, and the means of metrics.
 */
export function* openMetrics({ report, spans }: ExportSource): Iterable<string> {
  const session = report.session.label;
  const of = ({ id, stage }: { id: number; stage: string }): Labels => ({ session, span: id, stage });
  yield* family(
    'stagewatch_span_duration_seconds',
    'How long the span lasted.',
    spans.map((span) => [of(span), span.durationMs / 1_000]),
  );
  yield* family(
    'stagewatch_span_start_timestamp_seconds',
    'When the span began.',
    spans.map((span) => [of(span), (Date.parse(report.session.startedAt) + span.startMs) / 1_000]),
  );
  const hooks = spans.flatMap((span) =>
    span.targets.flatMap(({ target, hooks }) =>
      hooks.map((hook) => ({ hook, labels: { ...of(span), target, hook: hook.hook } })),
    ),
  );
  yield* family(
    'stagewatch_hook_start_delay_seconds',
    'From the marker to the capture.',
    hooks.flatMap(({ hook, labels }) =>
      hook.startDelayMs === undefined ? [] : [[labels, hook.startDelayMs / 1_000]],
    ),
  );
  yield* family(
    'stagewatch_hook_coverage_ratio',
    'Share of the span that was captured.',
    hooks.flatMap(({ hook, labels }) =>
      hook.coverage.state === 'measured' ? [[labels, hook.coverage.ratio]] : [],
    ),
  );
  yield* family(
    'stagewatch_span_figure',
    'A figure that a hook noted of the span, in the unit that its name ends with.',
    hooks.flatMap(({ hook, labels }) =>
      Object.entries(hook.facts).flatMap(([figure, value]): [Labels, number][] =>
        typeof value === 'number' ? [[{ ...labels, figure }, value]] : [],
      ),
    ),
  );
  yield* family(
    'stagewatch_metric_mean',
    'Mean of a metric over the span, in the unit that its name ends with.',
    spans.flatMap((span) =>
      meansIn(report.series, span).map(({ hook, target, name, mean }): [Labels, number] => [
        { ...of(span), target, hook, metric: name },
        mean,
      ]),
    ),
  );
  yield* family(
    'stagewatch_trial_result',
    'A figure of the result of a trial.',
    report.trials.flatMap((trial) =>
      trial.state !== 'measured'
        ? []
        : Object.entries(trial.result).flatMap(([figure, value]): [Labels, number][] =>
            typeof value === 'number'
              ? [[{ session, trial: trial.number, stage: trial.stage, figure }, value]]
              : [],
          ),
    ),
  );
  yield '# EOF\n';
}

function* family(
  name: string,
  help: string,
  points: readonly (readonly [Labels, number])[],
): Iterable<string> {
  if (points.length === 0) return;
  yield `# HELP ${name} ${help}\n# TYPE ${name} gauge\n`;
  for (const [labels, value] of points) {
    const text = Object.entries(labels).map(([key, of]) => `${key}="${escaped(String(of))}"`);
    if (Number.isFinite(value)) yield `${name}{${text.join(',')}} ${value}\n`;
  }
}

/** As the format wants label values; what no UTF-8 text can hold becomes a replacement mark. */
function escaped(value: string): string {
  return value
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n');
}
