import type { PageProfile } from '../../src/report/page-data.ts';
import { el } from '../element.ts';

/** Saves the profile as a file that speedscope opens; made when it is asked for. */
export function speedscopeLink(profile: PageProfile, name: string): HTMLElement {
  const button = el(
    'button',
    {
      type: 'button',
      class: 'link',
      title: 'Saves a file for speedscope: drop it on its page, or run npx speedscope FILE',
    },
    'Open in speedscope',
  );
  button.addEventListener('click', () => {
    const url = URL.createObjectURL(
      new Blob([JSON.stringify(speedscopeFile(profile, name))], { type: 'application/json' }),
    );
    const link = el('a', {
      href: url,
      download: `${name.replaceAll(/[^A-Za-z0-9._-]+/g, '_')}.speedscope.json`,
    });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  });
  return button;
}

/** Its sampled format: https://github.com/jlfwong/speedscope/wiki/Importing-from-custom-sources */
export function speedscopeFile({ names, frames, total, unit }: PageProfile, name: string): object {
  const samples: number[][] = [];
  const weights: number[] = [];
  const path: number[] = [];
  for (let at = 0; at < frames.length; at += 3) {
    const [frame = 0, depth = 0, own = 0] = frames.slice(at, at + 3);
    path.length = depth;
    path.push(frame);
    if (own === 0) continue;
    samples.push([...path]);
    weights.push(own);
  }
  return {
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    exporter: 'stagewatch',
    name,
    shared: { frames: names.map((frame) => ({ name: frame })) },
    profiles: [
      {
        type: 'sampled',
        name,
        unit: unit === 'µs' ? 'microseconds' : 'none',
        startValue: 0,
        endValue: total,
        samples,
        weights,
      },
    ],
  };
}
