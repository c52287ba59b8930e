/** Zoom and search inside of a flamegraph.svg that is opened alone. Names are read from titles and written as text. */
const svg = document.documentElement as unknown as SVGSVGElement;
const total = Number(svg.dataset['total']) || 1;
const margin = Number(svg.dataset['margin']);
const fullWidth = svg.viewBox.baseVal.width - 2 * margin;
const characterPx = 6.6;
const frames = [...document.querySelectorAll<SVGGElement>('g.f')].map((group) => ({
  group,
  rect: group.querySelector('rect') as SVGRectElement,
  text: group.querySelector('text') as SVGTextElement,
  title: group.querySelector('title')?.textContent ?? '',
  start: Number(group.dataset['s']),
  weight: Number(group.dataset['v']),
  depth: Number(group.dataset['d']),
}));
type Frame = (typeof frames)[number];
const byGroup = new Map<Element, Frame>(frames.map((frame) => [frame.group, frame]));
const nameOf = ({ title }: Frame): string => title.slice(0, title.lastIndexOf(' ('));
const [detail, matched, reset, search] = ['detail', 'matched', 'reset', 'search'].map(
  (id) => document.getElementById(id) as unknown as SVGTextElement,
) as [SVGTextElement, SVGTextElement, SVGTextElement, SVGTextElement];

for (const button of [reset, search]) button.style.cursor = 'pointer';
search.setAttribute('visibility', 'visible');
search.addEventListener('click', askAndFind);
reset.addEventListener('click', () => zoomTo(undefined));
svg.addEventListener('click', ({ target }) => {
  const frame = frameAt(target);
  if (frame !== undefined) zoomTo(frame.depth === 0 ? undefined : frame);
});
svg.addEventListener('mouseover', ({ target }) => {
  const frame = frameAt(target);
  if (frame !== undefined) detail.textContent = frame.title;
});
addEventListener('keydown', (event) => {
  if (event.key === 'Escape') zoomTo(undefined);
  else if (event.key === '/' || (event.key === 'f' && event.ctrlKey)) {
    event.preventDefault();
    askAndFind();
  }
});

function frameAt(target: EventTarget | null): Frame | undefined {
  const group = target instanceof Element ? target.closest('g.f') : null;
  return group === null ? undefined : byGroup.get(group);
}

/** Frames above it fill the width, those beside it are hidden. */
function zoomTo(chosen: Frame | undefined): void {
  const from = chosen?.start ?? 0;
  const weight = chosen?.weight ?? total;
  const scale = fullWidth / weight;
  for (const { group, rect, text, title, start, weight: own, depth } of frames) {
    const left = Math.max(start, from);
    const right = Math.min(start + own, from + weight);
    const isAncestor = chosen !== undefined && depth < chosen.depth;
    const width = (right - left) * scale;
    const isShown = right > left && (!isAncestor || start + own >= from + weight);
    group.setAttribute('display', isShown ? 'inline' : 'none');
    if (!isShown) continue;
    const x = margin + (left - from) * scale;
    rect.setAttribute('x', x.toFixed(1));
    rect.setAttribute('width', width.toFixed(1));
    rect.style.opacity = isAncestor ? '0.5' : '';
    text.setAttribute('x', (x + 3).toFixed(1));
    const name = title.slice(0, title.lastIndexOf(' ('));
    const room = Math.floor((width - 6) / characterPx);
    text.textContent = room < 3 ? '' : name.length <= room ? name : `${name.slice(0, room - 1)}…`;
  }
  reset.setAttribute('visibility', chosen === undefined ? 'hidden' : 'visible');
}

function askAndFind(): void {
  find(prompt('Function') ?? '');
}

/** Marks frames whose name holds the term, and tells their share, each sample once. */
function find(term: string): void {
  const wanted = term.toLowerCase();
  const found = frames.filter(
    (frame) => wanted !== '' && frame.depth > 0 && nameOf(frame).toLowerCase().includes(wanted),
  );
  const isFound = new Set(found);
  for (const frame of frames) frame.rect.style.fill = isFound.has(frame) ? '#c64bd0' : '';
  let end = 0;
  let sum = 0;
  for (const { start, weight } of found.sort((a, b) => a.start - b.start || b.weight - a.weight)) {
    sum += Math.max(0, start + weight - Math.max(end, start));
    end = Math.max(end, start + weight);
  }
  matched.textContent = wanted === '' ? '' : `${((100 * sum) / total).toFixed(2)} % match`;
}
