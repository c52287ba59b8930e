import type { PageSession } from '../../src/report/page-data.ts';

/** A part of the page, which may be told that there is more to show. */
export interface Section {
  readonly element: HTMLElement;
  update(session: PageSession): void;
}

/** A part that is made anew when what it shows has changed. @param shows what it depends on. */
export function remade(
  first: PageSession,
  shows: (session: PageSession) => unknown,
  make: (session: PageSession) => HTMLElement,
): Section {
  const element = make(first);
  let shown = JSON.stringify(shows(first));
  return {
    element,
    update(session) {
      const now = JSON.stringify(shows(session));
      if (now === shown) return;
      shown = now;
      const wasOpen = detailsOf(element).map(({ open }) => open);
      element.replaceChildren(...make(session).childNodes);
      // What the reader has opened stays open.
      for (const [i, details] of detailsOf(element).entries()) details.open = wasOpen[i] ?? details.open;
    },
  };
}

function detailsOf(element: HTMLElement): HTMLDetailsElement[] {
  return [...element.querySelectorAll('details')];
}
