import type { PageData } from '../src/report/page-data.ts';
import { el } from './element.ts';
import { sessionView } from './report/session-view.ts';
import { adoptStyles } from './report/styles.ts';

adoptStyles();
const { sessions } = JSON.parse(document.getElementById('data')?.textContent ?? '{}') as PageData;
show(0);

function show(index: number): void {
  const choice = el(
    'select',
    { 'aria-label': 'Session' },
    ...sessions.map(({ head }, i) => el('option', { value: String(i) }, `${head.label} ${head.startedAt}`)),
  );
  choice.value = String(index);
  choice.addEventListener('change', () => show(Number(choice.value)));
  document.body.replaceChildren(
    sessionView(sessions[index]!, ...(sessions.length > 1 ? [choice] : [])).element,
  );
}
