import { el } from '../element.ts';

export type Cell = string | number | Node;

/** A table with a caption; numbers stand to the right. Scrolls by itself where the page is narrow. */
export function table(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  className = '',
): HTMLElement {
  const body = rows.map((row) =>
    el(
      'tr',
      {},
      ...row.map((cell) => {
        const isFigure =
          typeof cell === 'number' || (typeof cell === 'string' && /^[-+]?\d[\d,.]*(?: \S+)?$/.test(cell));
        return el('td', isFigure ? { class: 'figure' } : {}, typeof cell === 'number' ? String(cell) : cell);
      }),
    ),
  );
  return el(
    'div',
    { class: `scroll ${className}`, tabindex: '0', role: 'region', 'aria-label': caption },
    el(
      'table',
      {},
      el('caption', {}, caption),
      el('thead', {}, el('tr', {}, ...head.map((title) => el('th', { scope: 'col' }, title)))),
      el('tbody', {}, ...body),
    ),
  );
}

/** The figures behind a chart, for those who do not see it. Made when it is opened: most never are. */
export function tableBehind(summary: string, make: () => HTMLElement): HTMLElement {
  const details = el('details', { class: 'behind' }, el('summary', {}, summary));
  details.addEventListener('toggle', () => details.childElementCount === 1 && details.append(make()), {
    once: true,
  });
  return details;
}

/** A heading and what stands under it, as a landmark. */
export function section(id: string, title: string, ...children: (Node | string)[]): HTMLElement {
  const heading = `${id}-title`;
  return el('section', { id, 'aria-labelledby': heading }, el('h2', { id: heading }, title), ...children);
}
