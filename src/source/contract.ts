import type { SessionEvent } from '../session/events.ts';
import type { MarkerBatch } from '../stage/marker.ts';

export type SourceEnd =
  | { readonly state: 'eof' }
  | { readonly state: 'exited'; readonly exitCode: number }
  | { readonly state: 'killed'; readonly signal: NodeJS.Signals }
  /** No new bytes for --idle-timeout. */
  | { readonly state: 'idle' }
  /** stop() was called. */
  | { readonly state: 'stopped' }
  | { readonly state: 'failed'; readonly error: Error };

/** What a source wants the user to know: data, rendered elsewhere. */
export interface SourceNotice {
  /** Stable, kebab-case: `waiting-for-file`, `truncated`, `rotated`, `reader-gone`, `finished-log`, ... */
  readonly code: string;
  readonly message: string;
}

export interface SourceSink {
  /** Called on the main thread, in the order of arrival. Must not throw and must not block. */
  batch(batch: MarkerBatch): void;
  notice(notice: SourceNotice): void;
}

/** What a source inside this process may use beyond markers: one that runs its trials itself. */
export interface SessionSink extends SourceSink {
  /** Journals what only the source knows: trials, settings, an answer. */
  event(event: SessionEvent): void;
  /** Resolves once all that was told so far is on disk. */
  saved(): Promise<void>;
  /** Looks at once whether the server was restarted; resolves when its hooks are armed on the one that is there now. */
  ready(): Promise<void>;
  /**
   * Resolves when every hook that the markers so far start or stop has acknowledged it, missed it or failed; hooks
   * that are being armed are waited for.
   */
  settled(): Promise<void>;
}

/** Where bytes come from. Spans are keyed by its id. */
export interface Source extends AsyncDisposable {
  /** `stdin`, `child`, or the path as given. */
  readonly id: string;
  /** Settles once; never rejects. After it no batch comes any more. */
  readonly ended: Promise<SourceEnd>;
  /** Can it be followed at all? Asked before anything else is done. @throws {UsageError} if not. */
  check?(): void;
  /** Starts reading. Resolves once bytes are being read, or a missing file is being waited for. */
  start(sink: SessionSink): Promise<void>;
  /** Stops reading, after what has already been read was handed on. Idempotent. */
  stop(): Promise<void>;
}
