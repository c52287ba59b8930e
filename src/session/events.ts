import type { Artifact } from '../hook/contract.ts';
import type { MarkerAttributes } from '../stage/marker.ts';

/** Percentiles of delays, ms. */
export interface DelaySummary {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** What happened: one line of events.ndjson, and what views render. Stage names in it are untrusted text. */
export type SessionEvent =
  | {
      readonly type: 'session';
      readonly state: 'started';
      readonly folder: string;
      /** Ours. */ readonly pid: number;
      readonly startTicks: number;
      /** On which machine, and since which boot, these mean something. */
      readonly host?: string;
      readonly bootId?: string;
      /** As in session.json. */ readonly about: Readonly<Record<string, unknown>>;
    }
  | {
      readonly type: 'session';
      readonly state: 'ended';
      readonly spans: number;
      readonly failures: number;
      /** It was cut short; this was written afterwards, by `clean` or `collect`. */
      readonly recovered?: true;
    }
  | { readonly type: 'source'; readonly source: string; readonly state: 'reading' }
  | {
      readonly type: 'source';
      readonly source: string;
      readonly state: 'eof' | 'exited' | 'killed' | 'idle' | 'stopped' | 'failed';
      readonly exitCode?: number;
      readonly signal?: string;
      readonly message?: string;
    }
  | { readonly type: 'notice'; readonly code: string; readonly message: string; readonly source?: string }
  | {
      readonly type: 'span-start';
      readonly span: number;
      readonly stage: string;
      readonly source: string;
      readonly watched: boolean;
      readonly history?: true;
      readonly attributes?: MarkerAttributes;
    }
  | {
      readonly type: 'span-end';
      readonly span: number;
      readonly stage: string;
      readonly source: string;
      readonly state: 'finished' | 'unfinished';
      readonly watched: boolean;
      readonly history?: true;
      readonly startNs: number;
      readonly durationMs: number;
      readonly markerDurationMs?: number;
      readonly late?: 'one-read' | 'duration';
      readonly offByMs?: number;
    }
  | {
      readonly type: 'orphan-end';
      readonly stage: string;
      readonly source: string;
      readonly durationMs?: number;
      readonly history?: true;
    }
  | {
      readonly type: 'target';
      readonly state: 'found' | 'lost';
      readonly target: string;
      readonly program: string;
      readonly pid: number;
      readonly startTicks: number;
      readonly port?: number;
      readonly commandLine: string;
    }
  | {
      readonly type: 'target';
      /** What it says of itself, where it can be asked. */
      readonly state: 'identified';
      readonly target: string;
      readonly pid: number;
      readonly version?: string;
      /** Of its executable, hex. */
      readonly buildId?: string;
    }
  | {
      readonly type: 'target';
      readonly state: 'missing' | 'ambiguous';
      readonly message: string;
    }
  | {
      readonly type: 'hook';
      readonly state: 'armed' | 'finished';
      readonly hook: string;
      readonly target: string;
      readonly tookMs: number;
    }
  | {
      readonly type: 'hook';
      readonly state: 'started' | 'stopped';
      readonly hook: string;
      readonly target: string;
      readonly span: number;
      /** From the marker's arrival to the acknowledged start or end of the capture, ms. */
      readonly delayMs: number;
    }
  | {
      readonly type: 'hook';
      /** It was not armed, or the span had ended before it could start. */
      readonly state: 'missed';
      readonly hook: string;
      readonly target: string;
      readonly span: number;
      readonly reason: string;
    }
  | {
      readonly type: 'hook';
      readonly state: 'unavailable' | 'failed';
      readonly hook: string;
      readonly target?: string;
      readonly reason: string;
      readonly mend?: string;
      readonly notInstalled?: true;
    }
  | {
      readonly type: 'warning';
      readonly code: string;
      readonly message: string;
      readonly span?: number;
      readonly hook?: string;
      readonly target?: string;
      readonly fails?: true;
    }
  | {
      readonly type: 'process';
      readonly state: 'started';
      readonly pid: number;
      readonly startTicks: number;
      readonly argv: readonly string[];
    }
  | {
      readonly type: 'process';
      readonly state: 'ended';
      readonly pid: number;
      readonly exitCode?: number;
      readonly signal?: string;
    }
  | {
      readonly type: 'trial';
      readonly state: 'started';
      /** From 1. */
      readonly trial: number;
      /** Why: `bracket`, `narrow`, `confirm`, ... */
      readonly purpose: string;
      /** Its stage, `name[:tag]`. */
      readonly stage: string;
      readonly config: Readonly<Record<string, unknown>>;
      /** It ran in the session that this one goes on with; here is its record only, and no span. */
      readonly past?: true;
      /** What was run, without secrets. */
      readonly command?: readonly string[];
    }
  | {
      readonly type: 'trial';
      readonly state: 'measured';
      readonly trial: number;
      readonly tookMs: number;
      readonly result: Readonly<Record<string, unknown>>;
    }
  | {
      readonly type: 'trial';
      readonly state: 'failed';
      readonly trial: number;
      readonly tookMs: number;
      readonly attempt: number;
      readonly code: string;
      readonly message: string;
    }
  | {
      /**
       * Journalled before it is changed, when it is, and when it was put back. A setting whose last event is none of
       * `restored` may have to be put back to `from`.
       */
      readonly type: 'setting';
      readonly state: 'changing' | 'changed' | 'restored' | 'not-restored';
      /** `config:io-threads`, `affinity:4711`. */
      readonly setting: string;
      /** Before the first change of ours. */
      readonly from: string;
      /** What we change it to. */
      readonly to: string;
      /** Whose setting: `127.0.0.1:6379`, or a Unix socket. */
      readonly server?: string;
      /** Of which thread: its number, its process, and its own start, clock ticks since boot. */
      readonly thread?: { readonly tid: number; readonly pid: number; readonly startTicks: number };
      /** The command that changes it, secrets removed, where it is not changed by asking the server. */
      readonly command?: readonly string[];
      readonly message?: string;
    }
  /** What a search or another experiment came to. */
  | { readonly type: 'answer'; readonly answer: Readonly<Record<string, unknown>> }
  | { readonly type: 'collecting'; readonly spans: number }
  | {
      readonly type: 'collected';
      readonly spans: readonly number[];
      readonly artifacts: readonly Artifact[];
    };

/** A line of events.ndjson: when, on the wall clock and on the clock that perf records with, and what. */
export type JournalLine = { readonly t: string; readonly monoNs: number } & SessionEvent;
