import type { z } from 'zod';
import type { EndedSpan, Span } from '../stage/span.ts';
import type { Host, Target } from '../target/contract.ts';

export type HookName = string;

export type Availability =
  | { readonly state: 'available' }
  /** Why not, and the command that mends it. */
  | {
      readonly state: 'unavailable';
      readonly reason: string;
      readonly mend?: string;
      /** Something is not installed (exit code 5), rather than refused or absent (3). */
      readonly notInstalled?: true;
    };

/** A file in a session, made for one span or one target. */
export interface Artifact {
  readonly hook: HookName;
  readonly target?: string;
  readonly span?: number;
  /** Relative to the session folder. */
  readonly path: string;
  readonly bytes: number;
}

/** A folder of the session that a hook may write into. Made when first written to. */
export interface ArtifactDir {
  readonly path: string;
  writeJson(name: string, value: object): Promise<Artifact>;
  writeText(name: string, text: string): Promise<Artifact>;
  /** Tells of a file that something else wrote under `path`. @throws if it is not there. */
  existing(name: string): Promise<Artifact>;
}

export interface ArtifactDirs {
  /** `spans/003-vec-query.ef_100/<target>`. */
  of(span: Span): ArtifactDir;
}

/** What the hooks in `needs` collected in this round. */
export interface Artifacts {
  of(hook: HookName, span: Span): readonly Artifact[];
}

/** Something a user must know. `fails` makes the exit code 3. */
export interface HookWarning {
  readonly code: string;
  readonly message: string;
  readonly span?: Span;
  readonly fails?: boolean;
}

export interface HookContext<Options = unknown, T extends Target | undefined = Target | undefined> {
  readonly options: Options;
  readonly target: T;
  /** The target's machine; this one where there is no target. */
  readonly host: Host;
  /** `targets/<target>`: for what is captured across spans, perf.data for one. */
  readonly dir: ArtifactDir;
  /** Where collect() will write: for what is written while its span is open. */
  readonly out: ArtifactDirs;
  readonly samples: {
    /** One line of metrics.ndjson; `t`, `monoNs`, hook and target are added. Cheap: written later, in order. */
    append(sample: Readonly<Record<string, unknown>>): void;
  };
  warn(warning: HookWarning): void;
  /** Facts for span.json, under this hook's name. Later ones replace earlier ones of one key. */
  facts(span: Span, facts: Readonly<Record<string, unknown>>): void;
  /** Of the running session: aborted when everything must end now. */
  readonly signal: AbortSignal;
}

export interface Hook<Options = unknown, T extends Target | undefined = Target | undefined> {
  readonly name: HookName;
  readonly description: string;
  readonly options: z.ZodType<Options>;
  /** Hooks that must run too, and are collected first. */
  readonly needs?: readonly HookName[];
  /** `optional`: also runs with the host alone. */
  readonly target: 'required' | 'optional';
  /** Can it run there? */
  probe(ctx: HookContext<Options, T>): Promise<Availability>;
  /** All slow set-up, once per target. Has 10 s. Throw to leave the hook out: the message is shown. */
  arm(ctx: HookContext<Options, T>): Promise<ArmedHook>;
  /**
   * Makes the artifacts again from a session folder alone, for a session that was cut short. Absent where what a
   * hook captured is lost with its process.
   */
  recover?(
    ctx: HookContext<Options, T>,
    spans: readonly EndedSpan[],
    out: ArtifactDirs,
    from: Artifacts,
  ): Promise<Artifact[]>;
}

export interface ArmedHook extends AsyncDisposable {
  /**
   * Settles when capture ended by itself (perf died, say): the hook counts as failed from then on. An error with the
   * code `target-exited` says that the target did: that is no failure of the hook, which is armed again with it.
   */
  readonly failed?: Promise<Error>;
  /** Resolves when capture has really begun; 2 s. Calls for one armed hook come one after the other. */
  start(span: Span): Promise<void>;
  /** Resolves when capture has really ended; cheap; 2 s. */
  stop(span: EndedSpan): Promise<void>;
  /** No span will start any more: end the capture, so that what was captured is whole on disk. */
  finish?(): Promise<void>;
  /** Slow work for every span that ended since the last call; no watched span is open when it begins. */
  collect(spans: readonly EndedSpan[], out: ArtifactDirs, from: Artifacts): Promise<Artifact[]>;
}
