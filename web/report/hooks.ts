import type { PageSession } from '../../src/report/page-data.ts';
import { time } from './format.ts';
import { el } from '../element.ts';
import { section, table } from './table.ts';

/** What captures, and how fast it follows the markers. */
export function hooksSection({ hooks }: PageSession): HTMLElement {
  if (hooks.length === 0) return section('hooks', 'Hooks', el('p', { class: 'quiet' }, 'No hook ran.'));
  return section(
    'hooks',
    'Hooks',
    table(
      'From marker to acknowledged capture',
      ['hook', 'target', 'state', 'stages', 'last delay', 'longest'],
      hooks.map(({ hook, target = '', state, spans, lastDelayMs, maxDelayMs }) => [
        hook,
        target,
        state,
        spans,
        lastDelayMs === undefined ? '' : time(lastDelayMs),
        maxDelayMs === undefined ? '' : time(maxDelayMs),
      ]),
    ),
  );
}
