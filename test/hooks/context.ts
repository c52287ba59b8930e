import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  Artifact,
  ArtifactDir,
  ArtifactDirs,
  Artifacts,
  EndedSpan,
  HookContext,
  HookWarning,
  Span,
} from '../../src/hook/index.ts';
import { type ArtifactRoot, SessionArtifactDir } from '../../src/session/artifact-dir.ts';
import { spanFolder, targetFolder } from '../../src/session/layout.ts';
import type { Target } from '../../src/target/contract.ts';

/** What a hook is given, and what it told. */
export interface Told<Options> {
  readonly ctx: HookContext<Options, Target>;
  readonly out: ArtifactDirs;
  readonly warnings: HookWarning[];
  readonly facts: Map<number, Record<string, unknown>>;
}

export const noArtifacts: Artifacts = { of: (): readonly Artifact[] => [] };

/** A context over a real session folder. */
export function contextIn<Options>(
  session: string,
  hook: string,
  target: Target,
  options: Options,
): Told<Options> {
  const warnings: HookWarning[] = [];
  const facts = new Map<number, Record<string, unknown>>();
  const root: ArtifactRoot = {
    path: session,
    place: (path) => path,
    makeFolder: async (path) => void (await mkdir(path, { recursive: true })),
  };
  const dirAt = (path: string, span?: number): ArtifactDir =>
    new SessionArtifactDir(root, path, { hook, target: target.id, ...(span !== undefined && { span }) });
  const out: ArtifactDirs = {
    of: (span: Span) => dirAt(join(spanFolder(session, span.id, span.stage), target.id), span.id),
  };
  return {
    warnings,
    facts,
    out,
    ctx: {
      options,
      target,
      host: target,
      dir: dirAt(targetFolder(session, target.id)),
      out,
      samples: { append: () => undefined },
      warn: (warning) => void warnings.push(warning),
      facts: (span, more) => void facts.set(span.id, { ...facts.get(span.id), ...more }),
      signal: new AbortController().signal,
    },
  };
}

/** The span, ended now. */
export function ended(span: EndedSpan): EndedSpan {
  const endNs = process.hrtime.bigint();
  return { ...span, endNs, durationMs: Number(endNs - span.startNs) / 1e6 };
}
