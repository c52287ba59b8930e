import type { PageSession, PageSpan } from '../../src/report/page-data.ts';
import { el } from '../element.ts';
import { figure, percent, time } from './format.ts';
import type { Section } from './section.ts';
import { spanPanel, type SpanPanel } from './span-panel.ts';
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
export function spansSection(first: PageSession): Section {
  let session = first;
  const body = el('tbody', {});
  const head = el('tr', {});
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
  let shownPanel: SpanPanel | undefined;
  let gone = new AbortController();

  function matching(): PageSpan[] {
    const term = filter.value.trim().toLowerCase();
    return session.spans.filter(({ stage }) => stage.toLowerCase().includes(term));
  }

  function draw(): void {
    const found = matching();
    const pages = Math.max(1, Math.ceil(found.length / pageSize));
    page = Math.min(page, pages - 1);
    const shown = columns.filter(({ of }) => session.spans.some((span) => of(span) !== ''));
    head.replaceChildren(
      ...['stage', ...shown.map(({ title }) => title)].map((title) => el('th', { scope: 'col' }, title)),
    );
    const focused = body.contains(document.activeElement)
      ? document.activeElement?.getAttribute('href')
      : null;
    body.replaceChildren(
      ...found.slice(page * pageSize, (page + 1) * pageSize).map((span) => row(span, shown)),
    );
    if (focused) body.querySelector<HTMLElement>(`a[href="${focused}"]`)?.focus();
    count.textContent = `${found.length} of ${session.spans.length} stages`;
    pager.replaceChildren(
      ...(pages > 1
        ? [mover('Previous', -1, pages), ` page ${page + 1} of ${pages} `, mover('Next', 1, pages)]
        : []),
    );
  }

  function mover(title: string, by: number, pages: number): HTMLElement {
    const button = el('button', { type: 'button' }, title);
    button.disabled = page + by < 0 || page + by >= pages;
    button.addEventListener('click', () => {
      page += by;
      draw();
    });
    return button;
  }

  function row(span: PageSpan, shown: typeof columns): HTMLElement {
    const link = el('a', { href: `#span-${span.id}` }, `${span.id} ${span.stage}`);
    const marks = [
      ...(span.state === 'finished' ? [] : [span.state]),
      ...(span.late ? ['late markers'] : []),
      ...(span.watched ? [] : ['not watched']),
    ];
    return el(
      'tr',
      span.id === chosen?.id ? { class: 'chosen', 'aria-current': 'true' } : {},
      el(
        'th',
        { scope: 'row' },
        link,
        ...(marks.length > 0 ? [el('small', {}, ` ${marks.join(', ')}`)] : []),
      ),
      ...shown.map(({ of }) => el('td', { class: 'figure' }, of(span))),
    );
  }

  function choose(span: PageSpan, move: boolean): void {
    gone.abort();
    gone = new AbortController();
    chosen = span;
    const at = matching().findIndex(({ id }) => id === span.id);
    if (at >= 0) page = Math.floor(at / pageSize);
    draw();
    shownPanel = spanPanel(span, session, panel, gone.signal);
    if (move) panel.scrollIntoView({ block: 'start' });
  }

  function follow(): void {
    const id = Number(/^#span-(\d+)$/.exec(location.hash)?.[1]);
    const span = session.spans.find((candidate) => candidate.id === id);
    if (span) choose(span, true);
  }

  /** While nothing was chosen: a run of the answer, else the first that has something to show. */
  function chooseFirst(): void {
    const answers = new Set(
      session.trials.flatMap(({ purpose, span }) => (purpose === 'confirm' ? [span] : [])),
    );
    const shown = session.spans.filter(hasDetail);
    const found = shown.find(({ id }) => answers.has(id)) ?? shown[0] ?? session.spans[0];
    if (found && (chosen === undefined || (!hasDetail(chosen) && hasDetail(found)))) choose(found, false);
  }

  function update(next: PageSession): void {
    const isSame = session.spans === next.spans;
    session = next;
    if (isSame) return shownPanel?.update(session);
    draw();
    const same = session.spans.find(({ id }) => id === chosen?.id);
    // What was collected meanwhile is shown; a panel that says all it can stays as the reader has it.
    if (same && chosen && hasDetail(same) && !hasDetail(chosen)) choose(same, false);
    else chooseFirst();
    shownPanel?.update(session);
  }

  filter.addEventListener('input', () => {
    page = 0;
    draw();
  });
  addEventListener('hashchange', follow);
  draw();
  // Needs its place on the page: a chart is as wide as what holds it.
  requestAnimationFrame(() => {
    follow();
    chooseFirst();
  });
  const element = section(
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
  return { element, update };
}

function hasDetail({ detail }: PageSpan): boolean {
  return detail.state === 'here' || detail.state === 'server';
}

/** The least that a hook captured. */
function captured({ hooks, late, watched }: PageSpan): string {
  if (!watched || hooks.length === 0) return '';
  if (late) return 'unknown';
  const ratios = hooks.map(({ coverage }) => (coverage.state === 'measured' ? coverage.ratio : 0));
  return percent(Math.min(...ratios));
}
