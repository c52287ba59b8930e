import type { PageSession } from '../../src/report/page-data.ts';
import { el } from '../element.ts';
import { figure, time } from './format.ts';
import { pointsOf } from './points.ts';
import { section } from './table.ts';

interface Best {
  readonly config: Readonly<Record<string, unknown>>;
  readonly result: { readonly qps: number; readonly latencyP99: number; readonly recallAvg?: number | null };
  readonly qpsInterval?: readonly [number, number] | null;
  readonly runs?: number;
}

/** The answer of a search, as far as this page reads it. */
export interface Answer {
  readonly state: string;
  readonly reason?: string;
  readonly limitedBy?: string;
  readonly best?: Best;
  readonly nearest?: Best;
  readonly error?: string;
}

/** What a point must hold to be an answer. */
export interface Constraints {
  readonly minRecall?: number;
  /** ms. */
  readonly maxLatencyP99?: number;
}

/** As they were asked for: there from the first trial on. */
export function constraintsOf({ asked }: PageSession): Constraints {
  const { minRecall, maxLatencyP99 } = (asked?.question['constraints'] ?? {}) as Record<string, unknown>;
  return {
    ...(typeof minRecall === 'number' ? { minRecall } : {}),
    ...(typeof maxLatencyP99 === 'number' ? { maxLatencyP99 } : {}),
  };
}

const limits: Readonly<Record<string, string>> = {
  recall: 'the wanted recall: less of it would be faster',
  p99: 'the wanted p99: a slower tail would allow more',
  saturation: 'saturation: more load brings no more QPS',
  range: 'the range: its edge is the best; a wider one may hold more',
  budget: 'the budget: it was spent before the search was done',
};

/** Those parts of the answer that are as they should be: a foreign session may hold anything. */
export function answerOf({ answer }: PageSession): Answer | undefined {
  if (answer === null || typeof answer['state'] !== 'string') return undefined;
  const best = (value: unknown): Best | undefined => {
    const found = value as Best | null | undefined;
    return typeof found?.result?.qps === 'number' &&
      typeof found.result.latencyP99 === 'number' &&
      typeof found.config === 'object'
      ? found
      : undefined;
  };
  const found = best(answer['best']);
  const nearest = best(answer['nearest']);
  const { reason, limitedBy } = answer;
  const { message } = (answer['error'] ?? {}) as { message?: unknown };
  return {
    state: answer['state'],
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(typeof limitedBy === 'string' ? { limitedBy } : {}),
    ...(found ? { best: found } : {}),
    ...(nearest ? { nearest } : {}),
    ...(typeof message === 'string' ? { error: message } : {}),
  };
}

/** What was asked or followed, what came of it, and what casts doubt on it. */
export function answerSection(session: PageSession): HTMLElement {
  const { head, warnings, spans } = session;
  const answer = answerOf(session);
  const watched = spans.filter((span) => span.watched);
  const isPoints = pointsOf(session).length > 0;
  const lead =
    answer && !isPoints
      ? searched(answer, constraintsOf(session))
      : [
          el(
            'p',
            { class: 'lead' },
            `${figure(spans.length)} stages in ${time(head.lastedMs)}, ${figure(watched.length)} of them profiled.`,
          ),
        ];
  const state: Readonly<Record<string, string>> = {
    running: 'It is still running: this shows what there is by now.',
    'not-collected': 'Its profiles were not made: stagewatch collect makes them.',
    'cut-short': 'It was cut short: this shows what it left. stagewatch collect may make more of it.',
  };
  return section(
    'answer',
    answer || session.asked ? 'Answer' : 'What was followed',
    ...(session.asked ? [el('p', { class: 'quiet' }, questionText(session))] : []),
    ...lead,
    ...(state[head.state] === undefined ? [] : [el('p', { class: 'notice' }, state[head.state]!)]),
    ...(warnings.length === 0 ? [] : [warningList(warnings)]),
  );
}

/** `max-qps-recall: the highest QPS with recall >= 0.9 and p99 <= 10 ms`. */
function questionText(session: PageSession): string {
  const { command = '' } = session.asked ?? {};
  const { minRecall, maxLatencyP99 } = constraintsOf(session);
  const wanted = [
    ...(minRecall === undefined ? [] : [`recall >= ${minRecall}`]),
    ...(maxLatencyP99 === undefined ? [] : [`p99 <= ${maxLatencyP99} ms`]),
  ];
  const isSearch = session.asked?.question['constraints'] !== undefined;
  return isSearch
    ? `${command}: the highest QPS${wanted.length === 0 ? '' : ` with ${wanted.join(' and ')}`}`
    : command;
}

function searched(answer: Answer, constraints: Constraints): HTMLElement[] {
  const { state, reason = answer.error, limitedBy, best, nearest } = answer;
  const shown = best ?? nearest;
  const blocks: HTMLElement[] = [];
  if (best) {
    const { qps, latencyP99, recallAvg } = best.result;
    const interval = best.qpsInterval;
    blocks.push(
      el(
        'p',
        { class: 'lead' },
        el('strong', {}, `${figure(qps)} requests/s`),
        ` at ${settings(best.config)}`,
      ),
      el(
        'dl',
        { class: 'tiles' },
        ...tile(
          'QPS',
          figure(qps),
          interval ? `${figure(interval[0])} to ${figure(interval[1])} (95 %)` : '',
        ),
        ...tile(
          'p99',
          time(latencyP99),
          constraints.maxLatencyP99 === undefined ? '' : `wanted: ${time(constraints.maxLatencyP99)} at most`,
        ),
        ...(typeof recallAvg === 'number'
          ? tile(
              'recall',
              recallAvg.toFixed(4),
              constraints.minRecall === undefined ? '' : `wanted: ${constraints.minRecall} at least`,
            )
          : []),
        ...(limitedBy === undefined ? [] : tile('limited by', limitedBy, limits[limitedBy] ?? '')),
      ),
    );
  } else {
    blocks.push(
      el('p', { class: 'lead' }, el('strong', {}, state), reason === undefined ? '' : `: ${reason}`),
    );
    if (shown)
      blocks.push(
        el(
          'p',
          {},
          `Nearest: ${figure(shown.result.qps)} requests/s, p99 ${time(shown.result.latencyP99)}, at ${settings(shown.config)}.`,
        ),
      );
  }
  return blocks;
}

function tile(name: string, value: string, note: string): HTMLElement[] {
  return [el('div', {}, el('dt', {}, name), el('dd', {}, el('b', {}, value), el('small', {}, note)))];
}

function warningList(warnings: PageSession['warnings']): HTMLElement {
  const counted = new Map<string, { text: string; code: string; count: number; span?: number }>();
  for (const { code, message, span } of warnings) {
    const key = `${code} ${message}`;
    const seen = counted.get(key);
    if (seen) seen.count++;
    else counted.set(key, { text: message, code, count: 1, ...(span === undefined ? {} : { span }) });
  }
  const items = [...counted.values()]
    .slice(0, 200)
    .map(({ text, code, count, span }) =>
      el(
        'li',
        {},
        el('code', {}, code),
        ` ${text}`,
        ...(count > 1
          ? [` (${count} times)`]
          : span === undefined
            ? []
            : [' ', el('a', { href: `#span-${span}` }, `stage ${span}`)]),
      ),
    );
  return el(
    'details',
    { class: 'warnings', open: '' },
    el('summary', {}, counted.size === 1 ? '1 warning' : `${counted.size} warnings`),
    el('ul', {}, ...items),
  );
}

/** The settings of a point that people turn, in words. */
export function settings(config: Readonly<Record<string, unknown>>): string {
  const names: Readonly<Record<string, string>> = {
    efSearch: 'ef_search',
    numClients: 'clients',
    numThreads: 'threads',
    pipeline: 'pipeline',
  };
  const server = config['serverConfig'];
  return [
    ...Object.entries(names)
      .filter(([key]) => typeof config[key] === 'number' && !(key === 'pipeline' && config[key] === 1))
      .map(([key, name]) => `${name} ${String(config[key])}`),
    ...(typeof server === 'object' && server !== null
      ? Object.entries(server).map(([name, value]) => `${name}=${String(value)}`)
      : []),
  ].join(', ');
}
