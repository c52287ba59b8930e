import type { PageProfile, PageSession, PageSpan, SpanDetail } from '../../src/report/page-data.ts';
import { el } from '../element.ts';
import { showChart } from '../flame-chart.ts';
import { functionTotals, unpack } from '../../src/perf/flame-profile.ts';
import { comparePanel } from './compare.ts';
import { detailOf } from './detail.ts';
import { factTables } from './facts.ts';
import { percent, time } from './format.ts';
import { speedscopeLink } from './speedscope.ts';
import { table } from './table.ts';

const listedFunctions = 50;

export interface SpanPanel {
  /** There are more stages to compare with. */
  update(session: PageSession): void;
}

/** One stage, whole: profiles, functions, counters, what the server says, and how well it was captured. */
export function spanPanel(
  span: PageSpan,
  session: PageSession,
  into: HTMLElement,
  gone: AbortSignal,
): SpanPanel {
  let latest = session;
  let shown: Shown = { state: 'showing' };
  const show = async (): Promise<void> => {
    shown = { state: 'showing' };
    shown = await showSpan(span, () => latest, into, gone);
  };
  void show();
  return {
    update(next) {
      latest = next;
      if (shown.state === 'shown') shown.comparison?.update(next);
      // News came, so the server is back.
      else if (shown.state === 'not-reached' && !gone.aborted) void show();
    },
  };
}

type Shown =
  | { readonly state: 'showing' | 'not-reached' }
  | { readonly state: 'shown'; readonly comparison: SpanPanel | undefined };

async function showSpan(
  span: PageSpan,
  session: () => PageSession,
  into: HTMLElement,
  gone: AbortSignal,
): Promise<Shown> {
  const heading = el('h3', { id: `span-${span.id}`, tabindex: '-1' }, `${span.id} ${span.stage}`);
  into.replaceChildren(heading);
  const detail = await detailOf(span);
  if (gone.aborted) return { state: 'shown', comparison: undefined };
  if (span.detail.state === 'folder') into.append(elsewhere(span.detail.files));
  if (span.detail.state === 'none')
    into.append(el('p', { class: 'notice' }, whyNothing(span, session().head.state === 'running')));
  if (span.detail.state === 'server' && !detail)
    into.append(
      el(
        'p',
        { class: 'notice' },
        'stagewatch is not reached, or has ended: stagewatch report makes a page that holds everything.',
      ),
    );
  if (detail) showDetail(detail, span, into, gone);
  into.append(captureTable(span));
  if (span.detail.state === 'server' && !detail) return { state: 'not-reached' };
  return { state: 'shown', comparison: detail && comparePanel(span, detail, session(), into, gone) };
}

function showDetail(detail: SpanDetail, span: PageSpan, into: HTMLElement, gone: AbortSignal): void {
  const { profiles } = detail;
  if (profiles.length > 0) into.append(profileTabs(profiles, span, gone));
  into.append(...factTables(detail));
}

/** On-CPU and off-CPU of each target beside each other, one shown at a time. */
function profileTabs(profiles: readonly PageProfile[], span: PageSpan, gone: AbortSignal): HTMLElement {
  const several = new Set(profiles.map(({ target }) => target)).size > 1;
  const box = el('div', { class: 'profile' });
  const tabs = el('div', { class: 'tabs', role: 'tablist', 'aria-label': 'Profiles' });
  const panel = el('div', { role: 'tabpanel' });
  let shown = new AbortController();
  gone.addEventListener('abort', () => shown.abort());
  const choose = (profile: PageProfile, tab: HTMLElement): void => {
    shown.abort();
    shown = new AbortController();
    for (const other of tabs.children) other.setAttribute('aria-selected', String(other === tab));
    panel.replaceChildren();
    if (profile.total === 0)
      return void panel.append(el('p', { class: 'notice' }, 'No sample was taken in this stage.'));
    const root = unpack({ title: '', facts: [], ...profile });
    panel.append(
      el(
        'p',
        { class: 'quiet' },
        `${profile.total.toLocaleString('en')} ${profile.unit}, by thread pool. `,
        speedscopeLink(profile, `${span.id} ${span.stage} ${profile.kind}`),
      ),
    );
    showChart(root, profile, panel, functionList(root, profile), shown.signal);
  };
  for (const profile of profiles) {
    const tab = el(
      'button',
      { type: 'button', role: 'tab' },
      several ? `${profile.kind} ${profile.target}` : profile.kind,
    );
    tab.addEventListener('click', () => choose(profile, tab));
    tabs.append(tab);
  }
  box.append(tabs, panel);
  requestAnimationFrame(() => {
    const [first] = profiles;
    if (first && !gone.aborted) choose(first, tabs.firstElementChild as HTMLElement);
  });
  return box;
}

function functionList(root: ReturnType<typeof unpack>, { total, unit }: PageProfile): HTMLElement {
  const rows = functionTotals(root)
    .slice(0, listedFunctions)
    .map(({ name, own, total: all }) => [percent(own / total), percent(all / total), name]);
  return el(
    'details',
    { class: 'behind', open: '' },
    el('summary', {}, 'Functions by self and total'),
    table(`Functions, by ${unit} of their own`, ['self', 'total', 'function'], rows, 'functions'),
  );
}

function captureTable({ hooks }: PageSpan): HTMLElement {
  if (hooks.length === 0) return el('div', {});
  return table(
    'How it was captured',
    ['hook', 'target', 'covered', 'start after', 'end after'],
    hooks.map(({ hook, target, coverage, startDelayMs, stopDelayMs }) => [
      hook,
      target,
      coverage.state === 'measured' ? percent(coverage.ratio, 2) : `${coverage.state}: ${coverage.reason}`,
      startDelayMs === undefined ? '' : time(startDelayMs),
      stopDelayMs === undefined ? '' : time(stopDelayMs),
    ]),
  );
}

/** Links into the session folder, which the report lies in. */
function elsewhere(files: readonly string[]): HTMLElement {
  const links = files.map((path) => {
    const href = path.split('/').map(encodeURIComponent).join('/');
    return el('li', {}, el('a', { href, target: '_blank', rel: 'noopener' }, path));
  });
  return el(
    'div',
    { class: 'notice' },
    el(
      'p',
      {},
      'Its profile is not on this page, which is kept small: it lies in the session folder, beside this file.',
    ),
    el('ul', {}, ...links),
  );
}

function whyNothing({ watched }: PageSpan, isRunning: boolean): string {
  if (!watched) return 'It was not watched, so nothing was captured.';
  return isRunning ? 'Its profile is made as soon as no stage is open.' : 'Nothing was collected of it.';
}
