import flamegraph, { type FlameNode } from 'd3-flame-graph';
import { select } from 'd3-selection';
import { el } from './element.ts';
import type { FlameData, FrameKind } from '../src/perf/flame-profile.ts';

type Node = FlameNode<FlameData>;

const rowHeight = 20;
/** Narrower frames are left out until one zooms in: they could not be seen, and thousands of them cost seconds. */
const smallestFramePx = 0.6;
const typingMs = 120;

const legend: Record<Exclude<FrameKind, 'all'>, [name: string, color: string]> = {
  pool: ['thread pool', '#7fb2d9'],
  user: ['user', 'hsl(38 88% 70%)'],
  kernel: ['kernel', 'hsl(351 58% 77%)'],
  unresolved: ['no symbol', 'hsl(40 8% 78%)'],
};

export interface ChartText {
  /** What a weight counts: `samples`, `µs`. */
  readonly unit: string;
  /** Sum of all weights. */
  readonly total: number;
  /** More about a frame, after its weight and share. */
  readonly more?: (frame: FlameData) => string;
  /** What the colours mean; kinds of frames without it. */
  readonly legend?: HTMLElement;
}

/**
 * The chart with its search, zoom and keys, at the end of `into`.
 * @param below stands between the chart and the line that tells of a frame.
 * @param gone the chart is taken away: its listeners go too.
 */
export function showChart(
  data: FlameData,
  { unit, total, more, legend: given }: ChartText,
  into: HTMLElement,
  below?: HTMLElement,
  gone?: AbortSignal,
): void {
  const search = el('input', {
    type: 'search',
    placeholder: 'function',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  const share = el('span', { class: 'share', role: 'status' });
  const reset = el('button', { type: 'button', disabled: '' }, 'Reset zoom');
  const detail = el('output', { 'aria-live': 'polite' });
  const box = el('div', {
    class: 'chart',
    tabindex: '0',
    role: 'group',
    'aria-label': 'Flame graph. Arrow keys move between frames, Enter zooms in, Escape resets the zoom.',
  });
  into.append(
    el('div', { class: 'tools' }, el('label', {}, 'Search', search), reset, share, given ?? legendOf(data)),
    el('div', { class: 'graph' }, box, ...(below ? [below] : [])),
    el(
      'footer',
      { class: 'status' },
      detail,
      el('kbd', {}, '/ search · arrows move · Enter zooms · Esc resets'),
    ),
  );

  let term = '';
  let selected: Node | undefined;
  const chart = flamegraph<FlameData>()
    .width(box.clientWidth)
    .cellHeight(rowHeight)
    .minFrameSize(smallestFramePx)
    .transitionDuration(matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 200)
    .inverted(true)
    .getName((node) => node.data.n)
    .setLabelHandler(describe)
    .setColorMapper((node) => {
      if (term === '') return node.data.color;
      return node.highlight ? 'var(--match)' : `color-mix(in srgb, ${node.data.color} 45%, var(--page))`;
    })
    .onHover((node) => (detail.textContent = describe(node)))
    .onClick((node) => {
      reset.disabled = node.parent === null;
      mark(node);
    });
  const selection = select<unknown>(box).datum(data);
  chart(selection);
  const root = selection.datum() as Node;
  detail.textContent = describe(root);

  function describe(node: Node): string {
    const { n, v } = node.data;
    return `${n} - ${v.toLocaleString('en')} ${unit}, ${percent(v)} of all${more ? `; ${more(node.data)}` : ''}`;
  }

  function percent(weight: number): string {
    return `${((100 * weight) / total).toFixed(weight === total ? 0 : 2)} %`;
  }

  function find(): void {
    term = search.value.trim().toLowerCase();
    const found = markMatches(root, term);
    share.textContent = term === '' ? '' : found === 0 ? 'no match' : `${percent(found)} of all match`;
    share.classList.toggle('found', found > 0);
    box.classList.toggle('searching', term !== '');
    chart.update();
    mark(selected);
  }

  function mark(node: Node | undefined): void {
    selected = node;
    select(box)
      .selectAll<Node>('g')
      .classed('selected', (drawn) => drawn === node)
      .classed('match', (drawn) => drawn.highlight === true);
    if (node !== undefined) detail.textContent = describe(node);
  }

  function resetZoom(): void {
    chart.resetZoom();
  }

  let typing: ReturnType<typeof setTimeout> | undefined;
  search.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(find, typingMs);
  });
  reset.addEventListener('click', resetZoom);
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === '/' && !(document.activeElement instanceof HTMLInputElement)) {
      event.preventDefault();
      search.focus();
    } else if (event.key === 'Escape' && document.activeElement === search) {
      search.value = '';
      find();
      box.focus();
    } else if (event.key === 'Escape') resetZoom();
  };
  document.addEventListener('keydown', onKey, gone ? { signal: gone } : {});
  box.addEventListener('keydown', (event) => {
    const next = neighbour(selected ?? root, event.key);
    if (next !== undefined) mark(next);
    else if (event.key === 'Enter' && selected !== undefined) chart.zoomTo(selected);
    else return;
    event.preventDefault();
    box.querySelector('.selected')?.scrollIntoView({ block: 'nearest' });
  });
  let drawnWidth = box.clientWidth;
  const resized = new ResizeObserver(() => {
    if (box.clientWidth === drawnWidth) return;
    drawnWidth = box.clientWidth;
    chart.width(drawnWidth).update();
    mark(selected);
  });
  resized.observe(box);
  gone?.addEventListener('abort', () => resized.disconnect());
}

/** Marks the frames whose name holds the term. @returns the weight below them, each sample once. */
function markMatches(root: Node, term: string): number {
  let sum = 0;
  const waiting: { node: Node; below: boolean }[] = [{ node: root, below: false }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { node, below } = next;
    const matches = term !== '' && node.parent !== null && node.data.n.toLowerCase().includes(term);
    node.highlight = matches;
    if (matches && !below) sum += node.data.v;
    for (const child of node.children ?? []) waiting.push({ node: child, below: below || matches });
  }
  return sum;
}

/** Down goes to the heaviest callee, left and right to siblings that are drawn. */
function neighbour(node: Node, key: string): Node | undefined {
  const siblings = node.parent?.children?.filter(isDrawn) ?? [node];
  const at = siblings.indexOf(node);
  switch (key) {
    case 'ArrowDown':
      return node.children
        ?.filter(isDrawn)
        .reduce((a, b) => (b.value > a.value ? b : a), node.children[0] as Node);
    case 'ArrowUp':
      return node.parent ?? undefined;
    case 'ArrowLeft':
      return siblings[at - 1];
    case 'ArrowRight':
      return siblings[at + 1];
    default:
      return undefined;
  }
}

function isDrawn(node: Node): boolean {
  return node.x1 > node.x0;
}

/** Only of what is there. */
function legendOf(data: FlameData): HTMLElement {
  const kinds = new Set<FrameKind>();
  const waiting = [...data.c];
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    kinds.add(node.kind);
    waiting.push(...node.c);
  }
  const entries = Object.entries(legend).filter(([kind]) => kinds.has(kind as FrameKind));
  return legendWith(entries.map(([, entry]) => entry));
}

/** Colours and what they mean. */
export function legendWith(entries: readonly (readonly [name: string, color: string])[]): HTMLElement {
  return el(
    'div',
    { class: 'legend', 'aria-label': 'Colours' },
    ...entries.map(([name, color]) => {
      const patch = el('i', {});
      patch.style.background = color;
      return el('span', {}, patch, name);
    }),
  );
}
