import type { DoctorEnvironment } from './environment.ts';

/** What a check found, and where that is not as it should be, what it means and the exact command that mends it. */
export type Finding =
  | { readonly state: 'ok'; readonly found: string }
  | {
      /**
       * `failed` keeps a hook from running; `warning` makes results poorer or noisier; `unknown` could not be told
       * here, and `means` says what it takes.
       */
      readonly state: 'warning' | 'failed' | 'unknown';
      readonly found: string;
      readonly means: string;
      readonly mend?: string;
    };

/** In the order in which they are shown. */
export const groups = ['hooks', 'server', 'perf', 'rights', 'limits', 'machine'] as const;
export type Group = (typeof groups)[number];

export interface Check {
  /** Stable, kebab-case; scripts may compare it. */
  readonly id: string;
  readonly title: string;
  readonly group: Group;
  /** Looks, and changes nothing. */
  run(env: DoctorEnvironment): Promise<Finding>;
}

export const ok = (found: string): Finding => ({ state: 'ok', found });

/** @param mend the command that helps. */
export const warning = (found: string, means: string, mend?: string): Finding =>
  trouble('warning', found, means, mend);

export const failed = (found: string, means: string, mend?: string): Finding =>
  trouble('failed', found, means, mend);

export const unknown = (found: string, means: string, mend?: string): Finding =>
  trouble('unknown', found, means, mend);

function trouble(
  state: 'warning' | 'failed' | 'unknown',
  found: string,
  means: string,
  mend: string | undefined,
): Finding {
  return { state, found, means, ...(mend === undefined ? {} : { mend }) };
}
