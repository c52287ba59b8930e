import { el } from './element.ts';
import { legendWith, showChart } from './flame-chart.ts';
import {
  changeColor,
  type FlameData,
  functionTotals,
  type Profile,
  unpack,
} from '../src/perf/flame-profile.ts';
import css from './flamegraph.css';

const listedFunctions = 100;
const changeColors = [
  ['grew', changeColor(1)],
  ['as before', changeColor(0)],
  ['shrank', changeColor(-1)],
] as const;

const sheet = new CSSStyleSheet();
sheet.replaceSync(css);
document.adoptedStyleSheets = [sheet];
show(JSON.parse(document.getElementById('data')?.textContent ?? '{}') as Profile);

function show(profile: Profile): void {
  const { title, unit, total, before } = profile;
  const facts = [`${total.toLocaleString('en')} ${unit}`, ...profile.facts].map((fact) => el('li', {}, fact));
  document.body.append(
    el('header', {}, el('h1', {}, title), el('ul', { class: 'facts', 'aria-label': 'Profile' }, ...facts)),
  );
  if (total === 0 && !before?.total) return document.body.append(emptyNote());
  const root = unpack(profile);
  const main = el('main', {});
  document.body.append(main);
  if (before === undefined) return showChart(root, profile, main, functionTable());
  const was = ({ vBefore = 0 }: FlameData): string =>
    `before ${((100 * vBefore) / (before.total || 1)).toFixed(2)} %`;
  const text = { unit, total: total || 1, more: was, legend: legendWith(changeColors) };
  showChart(root, text, main, changeTable(before.total));

  function functionTable(): HTMLElement {
    const share = (weight: number): string => `${((100 * weight) / total).toFixed(1)} %`;
    const rows = functionTotals(root)
      .slice(0, listedFunctions)
      .map(({ name, own, total }) =>
        el('tr', {}, el('td', {}, share(own)), el('td', {}, share(total)), el('td', {}, name)),
      );
    return tableOf(`Functions by own ${unit}`, ['self', 'total', 'function'], rows);
  }

  /** Both directions: what grew, and what shrank or is gone, which no frame shows. */
  function changeTable(totalBefore: number): HTMLElement {
    const share = (part: number): string => `${(100 * part).toFixed(2)} %`;
    const rows = functionTotals(root)
      .map(({ name, total: own, totalBefore: was }) => ({
        name,
        now: own / (total || 1),
        was: was / (totalBefore || 1),
      }))
      .sort((a, b) => Math.abs(b.now - b.was) - Math.abs(a.now - a.was))
      .slice(0, listedFunctions)
      .map(({ name, now, was }) => {
        const change = `${now < was ? '-' : '+'}${share(Math.abs(now - was))}`;
        const cells = [change, share(was), share(now)].map((cell) => el('td', {}, cell));
        return el(
          'tr',
          {},
          ...cells,
          el('td', {}, now === 0 ? `${name} (gone)` : was === 0 ? `${name} (new)` : name),
        );
      });
    return tableOf('Functions by change of their share', ['change', 'before', 'now', 'function'], rows);
  }
}

function tableOf(title: string, columns: readonly string[], rows: readonly HTMLElement[]): HTMLElement {
  const head = columns.map((name) => el('th', { scope: 'col' }, name));
  return el(
    'details',
    {},
    el('summary', {}, title),
    el(
      'div',
      { class: 'scroll' },
      el('table', {}, el('thead', {}, el('tr', {}, ...head)), el('tbody', {}, ...rows)),
    ),
  );
}

function emptyNote(): HTMLElement {
  return el(
    'main',
    {},
    el(
      'p',
      { class: 'empty' },
      el('strong', {}, 'No sample was taken in this span'),
      'The server used no CPU then, the span was shorter than the time between two samples, or perf was not allowed to see it. span.json says how much CPU the server used.',
    ),
  );
}
