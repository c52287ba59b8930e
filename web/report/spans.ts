import type { PageSession, PageSpan } from '../../src/report/page-data.ts';
import { el } from '../element.ts';
import { figure, percent, time } from './format.ts';
import { spanPanel } from './span-panel.ts';
import { section } from './table.ts';

const columns: readonly { readonly title: string; readonly of: (span: PageSpan) => string }[] = [
  { title: 'start', of: ({ startMs }) => `${(startMs / 1000).toFixed(2)} s` },
  { title: 'took', of: ({ durationMs }) => time(durationMs) },
  { title: 'captured', of: captured },
  { title: 'CPU (cores)', of: ({ cpus }) => (cpus === undefined ? '' : cpus.toFixed(2)) },
  {
    title: 'requests/s',
    of: ({ commandsPerSecond }) => (commandsPerSecond === undefined ? '' : figure(commandsPerSecond)),
  },
  {
    title: 'CPU µs/request',
    of: ({ cpuUsPerCommand }) => (cpuUsPerCommand === undefined ? '' : figure(cpuUsPerCommand)),
  },
];

/** Rows that are on the page at once: thousands of them would make every click slow. */
const pageSize = 100;

/** All stages as a table; the chosen one is shown below, whole. */
export function spansSection(session: PageSession): HTMLElement {
  const { spans } = session;
  if (spans.length === 0) return section('stages', 'Stages', el('p', {}, 'No stage was seen.'));
  const shown = columns.filter(({ of }) => spans.some((span) => of(span) !== ''));
  const body = el('tbody', {});
  const panel = el('div', { class: 'panel', 'aria-live': 'polite' });
  const filter = el('input', {
    type: 'search',
    placeholder: 'stage',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  const count = el('span', { class: 'quiet', role: 'status' });
  const pager = el('span', { class: 'pager' });
  let page = 0;
  let chosen: PageSpan | undefined;
  let gone = new AbortController();

  function matching(): PageSpan[] {
    const term = filter.value.trim().toLowerCase();
    return term === '' ? [...spans] : spans.filter(({ stage }) => stage.toLowerCase().includes(term));
  }

  function draw(): void {
    const found = matching();
    const pages = Math.max(1, Math.ceil(found.length / pageSize));
    page = Math.min(page, pages - 1);
    body.replaceChildren(...found.slice(page * pageSize, (page + 1) * pageSize).map(row));
    const move = (title: string, by: number): HTMLElement => {
      const button = el('button', { type: 'button' }, title);
      button.disabled = page + by < 0 || page + by >= pages;
      button.addEventListener('click', () => {
        page += by;
        draw();
      });
      return button;
    };
    count.textContent = `${found.length} of ${spans.length} stages`;
    pager.replaceChildren(
      ...(pages > 1 ? [move('Previous', -1), ` page ${page + 1} of ${pages} `, move('Next', 1)] : []),
    );
  }

  function row(span: PageSpan): HTMLElement {
    const link = el('a', { href: `#span-${span.id}` }, `${span.id} ${span.stage}`);
    const marks = [
      ...(span.state === 'finished' ? [] : [span.state]),
      ...(span.late ? ['late markers'] : []),
      ...(span.watched ? [] : ['not watched']),
    ];
    const line = el(
      'tr',
      span === chosen ? { class: 'chosen', 'aria-current': 'true' } : {},
      el(
        'th',
        { scope: 'row' },
        link,
        ...(marks.length > 0 ? [el('small', {}, ` ${marks.join(', ')}`)] : []),
      ),
      ...shown.map(({ of }) => el('td', { class: 'figure' }, of(span))),
    );
    return line;
  }

  function choose(span: PageSpan, move: boolean): void {
    gone.abort();
    gone = new AbortController();
    chosen = span;
    const at = matching().indexOf(span);
    if (at >= 0) page = Math.floor(at / pageSize);
    draw();
    void spanPanel(span, session, panel, gone.signal);
    if (move) panel.scrollIntoView({ block: 'start' });
  }

  const follow = (): void => {
    const id = Number(/^#span-(\d+)$/.exec(location.hash)?.[1]);
    const span = spans.find((candidate) => candidate.id === id);
    if (span) choose(span, true);
  };
  filter.addEventListener('input', () => {
    page = 0;
    draw();
  });
  addEventListener('hashchange', follow);
  draw();
  // Needs its place on the page: a chart is as wide as what holds it.
  requestAnimationFrame(() => {
    follow();
    const first = spans.find(({ detail }) => detail.state === 'here') ?? spans[0];
    if (!chosen && first) choose(first, false);
  });
  const head = el(
    'tr',
    {},
    el('th', { scope: 'col' }, 'stage'),
    ...shown.map(({ title }) => el('th', { scope: 'col' }, title)),
  );
  return section(
    'stages',
    'Stages',
    el('p', { class: 'tools' }, el('label', {}, 'Filter ', filter), count, pager),
    el(
      'div',
      { class: 'scroll spans', tabindex: '0', role: 'region', 'aria-label': 'Stages' },
      el(
        'table',
        {},
        el('caption', {}, 'Stages, in order; choose one to see its profile'),
        el('thead', {}, head),
        body,
      ),
    ),
    panel,
  );
}

/** The least that a hook captured. */
function captured({ hooks, late, watched }: PageSpan): string {
  if (!watched || hooks.length === 0) return '';
  if (late) return 'unknown';
  const ratios = hooks.map(({ coverage }) => (coverage.state === 'measured' ? coverage.ratio : 0));
  return percent(Math.min(...ratios));
}
