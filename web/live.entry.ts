import type { LiveUpdate } from '../src/dashboard/update.ts';
import type { PageSession } from '../src/report/page-data.ts';
import { el } from './element.ts';
import { applyUpdate } from './live/apply-update.ts';
import { detailOf } from './report/detail.ts';
import type { Section } from './report/section.ts';
import { sessionView } from './report/session-view.ts';
import { adoptStyles } from './report/styles.ts';

/** After a refusal the browser does not try again by itself, ms. */
const RETRY_MS = 3_000;

adoptStyles();
const state = el('p', { class: 'live', role: 'status' }, 'connecting');
let session: PageSession | undefined;
let view: Section | undefined;

/** The browser connects again by itself, and says what it had last: nothing is lost between. */
function connect(): void {
  const source = new EventSource('updates');
  source.addEventListener('open', () => say('live'));
  source.addEventListener('error', () => {
    say('not connected: trying again');
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MS);
  });
  source.addEventListener('update', (event: MessageEvent<string>) => {
    const update = JSON.parse(event.data) as LiveUpdate;
    session = applyUpdate(session, update);
    if (session === undefined) return;
    show(session);
    if (update.ended) void end(session, source);
  });
}

function show(now: PageSession): void {
  if (view) return view.update(now);
  view = sessionView(now, state);
  document.body.replaceChildren(view.element);
}

/** What is not here yet is fetched before the server goes: then the page is the report. */
async function end(last: PageSession, source: EventSource): Promise<void> {
  say('ended: fetching the last profiles');
  for (const span of last.spans) if (span.detail.state === 'server') await detailOf(span);
  source.close();
  say('ended: this is the report; stagewatch report makes a file of it');
}

function say(text: string): void {
  state.textContent = text;
}

document.body.replaceChildren(state);
connect();
