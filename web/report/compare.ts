import type { PageProfile, PageSession, PageSpan, SpanDetail } from '../../src/report/page-data.ts';
import { el } from '../element.ts';
import { legendWith, showChart } from '../flame-chart.ts';
import { changeColor } from '../../src/perf/flame-profile.ts';
import { detailOf } from './detail.ts';
import { diffTree, functionChanges, scaleOf, type DiffFrame } from './diff.ts';
import { figure } from './format.ts';
import { neighbourTrials, parameterName } from './parameters.ts';
import { table } from './table.ts';

const listedFunctions = 40;

/** Another stage against this one: what grew, what vanished, and in which function. */
export function comparePanel(
  span: PageSpan,
  detail: SpanDetail,
  session: PageSession,
  into: HTMLElement,
  gone: AbortSignal,
): { update(session: PageSession): void } | undefined {
  if (detail.profiles.length === 0) return undefined;
  let others: readonly PageSpan[] = [];
  const choice = el('select', {});
  const quick = el('span', { class: 'quick' });
  const result = el('div', { class: 'comparison' });
  let shown = new AbortController();
  gone.addEventListener('abort', () => shown.abort());
  const compare = async (other: PageSpan): Promise<void> => {
    shown.abort();
    shown = new AbortController();
    const { signal } = shown;
    choice.value = String(other.id);
    const found = await detailOf(other);
    if (!found || signal.aborted) return;
    // What came first is the before.
    if (other.id < span.id) showComparison(other, found, span, detail, result, signal);
    else showComparison(span, detail, other, found, result, signal);
  };
  const buttonFor = ({ title, other }: { title: string; other: PageSpan }): HTMLElement => {
    const button = el('button', { type: 'button' }, `${title}: ${other.id} ${other.stage}`);
    button.addEventListener('click', () => void compare(other));
    return button;
  };
  const go = el('button', { type: 'button' }, 'Compare');
  go.addEventListener('click', () => {
    const other = others.find(({ id }) => String(id) === choice.value);
    if (other) void compare(other);
  });
  const box = el(
    'div',
    {},
    el('h4', {}, 'Compare with another stage'),
    el('p', { class: 'tools' }, quick, el('label', {}, 'Stage ', choice), go),
    result,
  );
  into.append(box);
  const update = (now: PageSession): void => {
    const found = now.spans.filter(
      (other) => other.id !== span.id && (other.detail.state === 'here' || other.detail.state === 'server'),
    );
    box.hidden = found.length === 0;
    // The same ones stay as they are: they may have the focus.
    if (found.map(({ id }) => id).join() === others.map(({ id }) => id).join()) return;
    others = found;
    const { value } = choice;
    choice.replaceChildren(
      ...found.map((other) => el('option', { value: String(other.id) }, `${other.id} ${other.stage}`)),
    );
    if (found.some(({ id }) => String(id) === value)) choice.value = value;
    quick.replaceChildren(...neighboursOf(span, found, now).map(buttonFor));
  };
  update(session);
  return { update };
}

/** The trials beside it in the order of what was turned; else the stages beside it in time. */
function neighboursOf(
  span: PageSpan,
  others: readonly PageSpan[],
  { trials }: PageSession,
): { title: string; other: PageSpan }[] {
  const here = trials.find((trial) => trial.span === span.id);
  const spanOf = (id: number | undefined): PageSpan | undefined => others.find((other) => other.id === id);
  const beside = here
    ? neighbourTrials(here, trials, (trial) => spanOf(trial.span) !== undefined).map(
        ({ parameter, value, trial }) => ({
          title: `${parameterName(parameter)} ${value}`,
          other: spanOf(trial.span)!,
        }),
      )
    : [];
  if (beside.length > 0) return beside;
  const earlier = others.findLast(({ id }) => id < span.id);
  const later = others.find(({ id }) => id > span.id);
  return [
    ...(earlier ? [{ title: 'Previous', other: earlier }] : []),
    ...(later ? [{ title: 'Next', other: later }] : []),
  ];
}

function showComparison(
  before: PageSpan,
  earlier: SpanDetail,
  after: PageSpan,
  later: SpanDetail,
  into: HTMLElement,
  gone: AbortSignal,
): void {
  const pair = pairOf(earlier, later);
  if (pair === undefined)
    return into.replaceChildren(
      el('p', { class: 'notice' }, 'There is no profile of the same kind of both.'),
    );
  const [a, b] = pair;
  const scale = scaleOf({ profile: a, ...perCommand(before) }, { profile: b, ...perCommand(after) });
  const chart = el('div', {});
  const more = (frame: DiffFrame): string =>
    `${figure(frame.before)} before, ${figure(frame.after)} after (${frame.after >= frame.before ? '+' : ''}${figure(frame.after - frame.before)})`;
  const legend = (): HTMLElement =>
    legendWith([
      ['grew', changeColor(1)],
      ['shrank', changeColor(-1)],
    ]);
  let drawn = new AbortController();
  gone.addEventListener('abort', () => drawn.abort());
  const draw = (side: 'before' | 'after'): void => {
    drawn.abort();
    drawn = new AbortController();
    chart.replaceChildren();
    const tree = diffTree(a, b, scale, side);
    showChart(
      tree,
      { unit: scale.unit, total: tree.v, legend: legend(), more: (frame) => more(frame as DiffFrame) },
      chart,
      undefined,
      drawn.signal,
    );
    for (const button of sides) button.setAttribute('aria-pressed', String(button.dataset['side'] === side));
  };
  const sides = (
    [
      ['after', 'What grew (as wide as after)'],
      ['before', 'What vanished (as wide as before)'],
    ] as const
  ).map(([side, title]) => {
    const button = el('button', { type: 'button', 'data-side': side }, title);
    button.addEventListener('click', () => draw(side));
    return button;
  });
  into.replaceChildren(
    el('p', {}, `From ${before.id} ${before.stage} to ${after.id} ${after.stage}, in ${scale.unit}.`),
    el('p', { class: 'tools' }, ...sides),
    chart,
    changeTable(a, b, scale),
  );
  draw('after');
}

function changeTable(a: PageProfile, b: PageProfile, scale: ReturnType<typeof scaleOf>): HTMLElement {
  const rows = functionChanges(a, b, scale)
    .filter(({ before, after }) => before !== after)
    .slice(0, listedFunctions)
    .map(({ name, before, after }) => [
      `${after > before ? '+' : ''}${figure(after - before)}`,
      figure(before),
      figure(after),
      name,
    ]);
  return table(
    `Functions by change, in ${scale.unit}`,
    ['change', 'before', 'after', 'function'],
    rows,
    'functions',
  );
}

function pairOf(earlier: SpanDetail, later: SpanDetail): [PageProfile, PageProfile] | undefined {
  for (const b of later.profiles) {
    const a =
      earlier.profiles.find(({ kind, target }) => kind === b.kind && target === b.target) ??
      earlier.profiles.find(({ kind }) => kind === b.kind);
    if (a && a.total > 0 && b.total > 0) return [a, b];
  }
  return undefined;
}

function perCommand({ cpuUsPerCommand }: PageSpan): { cpuUsPerCommand?: number } {
  return cpuUsPerCommand === undefined ? {} : { cpuUsPerCommand };
}
