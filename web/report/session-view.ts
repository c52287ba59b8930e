import type { PageSession } from '../../src/report/page-data.ts';
import { el } from '../element.ts';
import { answerSection } from './answer.ts';
import { environmentSection } from './environment.ts';
import { time } from './format.ts';
import { hooksSection } from './hooks.ts';
import { searchSection } from './search.ts';
import { pointsOf } from './points.ts';
import { remade, type Section } from './section.ts';
import { spansSection } from './spans.ts';
import { timelineSection } from './timeline.ts';

/** A whole session on the page: head, ways to its parts, and the parts. */
export function sessionView(first: PageSession, ...tools: readonly Node[]): Section {
  const sections: readonly Section[] = [
    remade(
      first,
      ({ answer, asked, warnings, head, spans }) => [
        answer,
        asked,
        warnings,
        head.state,
        answer ? 0 : [head.lastedMs, spans.length],
      ],
      answerSection,
    ),
    remade(first, ({ trials, answer, asked }) => [trials, answer, asked], searchSection),
    timelineSection(first),
    spansSection(first),
    remade(first, ({ hooks }) => hooks, hooksSection),
    remade(first, ({ host, targets, head }) => [host, targets, head.versions], environmentSection),
  ];
  const links = sections.map(({ element }) =>
    el('a', { href: `#${element.id}` }, element.querySelector('h2')?.textContent ?? element.id),
  );
  const title = el('h1', {});
  const facts = el('ul', { class: 'facts', 'aria-label': 'Session' });
  const showHead = ({ head }: PageSession): void => {
    title.textContent = head.label;
    document.title = `${head.label} - stagewatch`;
    facts.replaceChildren(
      ...[head.state, head.startedAt, time(head.lastedMs)].map((fact) => el('li', {}, fact)),
    );
  };
  showHead(first);
  const element = el(
    'div',
    {},
    el('a', { class: 'skip', href: '#main' }, 'To the content'),
    el('header', {}, title, facts, ...tools, el('nav', { 'aria-label': 'Sections' }, ...links)),
    el('main', { id: 'main' }, ...sections.map((part) => part.element)),
  );
  const showSearch = (session: PageSession): void => {
    const hidden = session.trials.length === 0 && pointsOf(session).length === 0;
    sections[1]!.element.hidden = hidden;
    links[1]!.hidden = hidden;
  };
  showSearch(first);
  return {
    element,
    update(session) {
      showHead(session);
      showSearch(session);
      for (const part of sections) part.update(session);
    },
  };
}
