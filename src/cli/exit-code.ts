import type { Failure } from '../monitor/options.ts';

/** The exit codes that every command shares. */
export const EXIT = {
  done: 0,
  targetNotMet: 1,
  usage: 2,
  incomplete: 3,
  benchmarkFailed: 4,
  notInstalled: 5,
  undecided: 6,
  hangup: 129,
  interrupted: 130,
  terminated: 143,
} as const;

/** What a signal that ended us becomes. */
export function codeOfSignal(signal: NodeJS.Signals): number {
  return signal === 'SIGTERM' ? EXIT.terminated : signal === 'SIGHUP' ? EXIT.hangup : EXIT.interrupted;
}

/** 5 when something is not installed, 3 when anything else is incomplete, 0 otherwise. */
export function codeOfFailures(failures: readonly Failure[]): number {
  if (failures.length === 0) return EXIT.done;
  return failures.some((failure) => failure.kind === 'not-installed') ? EXIT.notInstalled : EXIT.incomplete;
}
