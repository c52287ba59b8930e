import { buildFlameTree } from './flame-tree.ts';
import { pageHtml } from './page-html.ts';

export interface FlamegraphPage {
  /** The stage, as the benchmark printed it: untrusted, like every name in the stacks. */
  readonly title: string;
  /** Shown below it: `999 Hz`, `cpu-clock`, `1.2 s`. */
  readonly facts: readonly string[];
  /** What a weight counts; default `samples`. */
  readonly unit?: string;
  /** `a;b;c 42` a line. */
  readonly folded: string;
  /** Another profile that this one is compared with, in the same form. */
  readonly before?: string;
}

/** The page of one flame graph. @param script the bundled dist/web/flamegraph.js */
export function flamegraphHtml(page: FlamegraphPage, script: string): string {
  const { title, facts, unit = 'samples' } = page;
  return pageHtml({
    title: `${title} - flame graph`,
    noscript: 'This flame graph needs JavaScript. The same stacks are in stacks.folded beside it.',
    data: { title, facts, unit, ...buildFlameTree(page.folded, page.before) },
    script,
  });
}
