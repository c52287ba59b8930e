import { basename } from 'node:path';
import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';
import { buildFlameTree } from '../perf/flame-tree.ts';
import { artifactsOf, readArtifact } from './artifacts.ts';
import type { PageProfile, SpanDetail, SpanDetailPlace } from './page-data.ts';
import type { ReportSpan } from './report.ts';

const deflate = promisify(deflateRaw);

const stacks: readonly Pick<PageProfile, 'kind' | 'unit'>[] = [
  { kind: 'on-CPU', unit: 'samples' },
  { kind: 'off-CPU', unit: 'µs' },
];
const stackFiles: Readonly<Record<PageProfile['kind'], string>> = {
  'on-CPU': 'stacks.folded',
  'off-CPU': 'offcpu.folded',
};

/** JSON artifacts of a span beyond this stay in the folder, bytes: a user's hook may leave anything. */
const MOST_JSON = 256 * 1024;

/** All that hooks left for a span, read from the session folder. */
export async function readSpanDetail(folder: string, span: ReportSpan): Promise<SpanDetail> {
  const profiles: PageProfile[] = [];
  for (const { kind, unit } of stacks)
    for (const artifact of artifactsOf(span, stackFiles[kind])) {
      const folded = await readArtifact(folder, artifact);
      if (folded === undefined) continue;
      profiles.push({ target: artifact.target, kind, unit, ...buildFlameTree(folded) });
    }
  const files: { target: string; name: string; json: unknown }[] = [];
  for (const name of jsonNames(span))
    for (const artifact of artifactsOf(span, name)) {
      if (artifact.bytes > MOST_JSON) continue;
      const text = await readArtifact(folder, artifact);
      if (text === undefined) continue;
      try {
        files.push({ target: artifact.target, name, json: JSON.parse(text) });
      } catch {
        // cut short while it was written
      }
    }
  return {
    profiles,
    files,
    facts: span.targets.flatMap(({ target, hooks }) =>
      hooks
        .filter(({ facts }) => Object.keys(facts).length > 0)
        .map(({ hook, facts }) => ({ target, hook, facts })),
    ),
  };
}

/** Packed for the page: names repeat a lot, and pack to a tenth. */
export async function packDetail(detail: SpanDetail): Promise<SpanDetailPlace> {
  const packed = await deflate(JSON.stringify(detail), { level: 9 });
  return { state: 'here', packed: packed.toString('base64') };
}

/** What of a span lies in the session folder for people to open, relative to it. */
export function filesToOpen(span: ReportSpan): string[] {
  const paths = span.targets.flatMap(({ hooks }) =>
    hooks.flatMap(({ artifacts }) => artifacts.map(({ path }) => path)),
  );
  return [...new Set(paths)].filter((path) => /\.(?:html|svg|folded|json)$/.test(path));
}

function jsonNames(span: ReportSpan): string[] {
  return [...new Set(filesToOpen(span).map((path) => basename(path)))].filter((name) =>
    name.endsWith('.json'),
  );
}
