import type { LiveUpdate } from '../src/dashboard/update.ts';
import type { PageSession } from '../src/report/page-data.ts';
import { el } from './element.ts';
import { applyUpdate } from './live/apply-update.ts';
import { detailOf } from './report/detail.ts';
import type { Section } from './report/section.ts';
import { sessionView } from './report/session-view.ts';
import { adoptStyles } from './report/styles.ts';

adoptStyles();
const state = el('p', { class: 'live', role: 'status' }, 'connecting');
let session: PageSession | undefined;
let view: Section | undefined;
// The browser connects again by itself, and says what it had last: nothing is lost between.
const source = new EventSource('updates');

source.addEventListener('open', () => say('live'));
source.addEventListener('error', () =>
  say(session?.head.state === 'running' || !session ? 'not connected: trying again' : 'ended'),
);
source.addEventListener('update', (event: MessageEvent<string>) => {
  const update = JSON.parse(event.data) as LiveUpdate;
  session = applyUpdate(session, update);
  if (session === undefined) return;
  if (view) view.update(session);
  else {
    view = sessionView(session, state);
    document.body.replaceChildren(view.element);
  }
  if (update.ended) void end(session);
});
document.body.replaceChildren(state);

/** What is not here yet is fetched before the server goes: then the page is the report. */
async function end(last: PageSession): Promise<void> {
  say('ended: fetching the last profiles');
  for (const span of last.spans) if (span.detail.state === 'server') await detailOf(span);
  source.close();
  say('ended');
}

function say(text: string): void {
  state.textContent = text;
}
