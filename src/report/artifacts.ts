import { basename, join } from 'node:path';
import type { ReportSpan } from './report.ts';
import { readSmall } from './span-file.ts';

/** A file that a hook left for a span. */
export interface SpanArtifact {
  readonly target: string;
  /** Relative to the session folder. */
  readonly path: string;
  readonly bytes: number;
}

/** Larger artifacts are not read into memory, bytes. */
const MOST = 256 * 1024 * 1024;

/** The artifacts of a span of that file name, `stacks.folded`: one for each target that has it. */
export function artifactsOf(span: ReportSpan, name: string): SpanArtifact[] {
  const found = new Map<string, SpanArtifact>();
  for (const { target, hooks } of span.targets)
    for (const { artifacts } of hooks)
      for (const { path, bytes } of artifacts)
        if (basename(path) === name) found.set(path, { target, path, bytes });
  return [...found.values()];
}

/** Its text; undefined when it is gone, or larger than 256 MiB. */
export function readArtifact(folder: string, artifact: SpanArtifact): Promise<string | undefined> {
  return readSmall(join(folder, artifact.path), MOST);
}
