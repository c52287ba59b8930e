import uPlotCss from 'uplot/dist/uPlot.min.css';
import type { PageData, PageSession } from '../src/report/page-data.ts';
import { el } from './element.ts';
import flameCss from './flamegraph.css';
import { answerSection } from './report/answer.ts';
import { environmentSection } from './report/environment.ts';
import { time } from './report/format.ts';
import { searchSection } from './report/search.ts';
import { spansSection } from './report/spans.ts';
import { timelineSection } from './report/timeline.ts';
import reportCss from './report/report.css';

document.adoptedStyleSheets = [flameCss, uPlotCss, reportCss].map((css) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  return sheet;
});

const { sessions } = JSON.parse(document.getElementById('data')?.textContent ?? '{}') as PageData;
const main = el('main', { id: 'main' });
show(sessions[0]!);

function show(session: PageSession): void {
  const { head } = session;
  const sections = [
    answerSection(session),
    searchSection(session),
    timelineSection(session),
    spansSection(session),
    environmentSection(session),
  ].filter((part) => part !== undefined);
  const links = sections.map((part) =>
    el('a', { href: `#${part.id}` }, part.querySelector('h2')?.textContent ?? part.id),
  );
  const choice = el(
    'select',
    { 'aria-label': 'Session' },
    ...sessions.map(({ head: other }, i) =>
      el('option', { value: String(i) }, `${other.label} ${other.startedAt}`),
    ),
  );
  choice.value = String(sessions.indexOf(session));
  choice.addEventListener('change', () => show(sessions[Number(choice.value)]!));
  main.replaceChildren(...sections);
  document.body.replaceChildren(
    el('a', { class: 'skip', href: '#main' }, 'To the content'),
    el(
      'header',
      {},
      el('h1', {}, head.label),
      el(
        'ul',
        { class: 'facts', 'aria-label': 'Session' },
        el('li', {}, head.state),
        el('li', {}, head.startedAt),
        el('li', {}, time(head.lastedMs)),
      ),
      ...(sessions.length > 1 ? [choice] : []),
      el('nav', { 'aria-label': 'Sections' }, ...links),
    ),
    main,
  );
}
