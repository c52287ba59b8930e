import { UsageError } from '../../error.ts';
import { redactArgv } from '../../target/redact.ts';
import type { BenchmarkConfig } from '../config.ts';

/** Operations on vectors; of these only vec-query has a recall. */
export function isVectorOperation(operation: string): boolean {
  return operation.startsWith('vec-');
}

/** `get:0.8,set:0.2` */
export function isMix(operation: string): boolean {
  return operation.includes(':');
}

/** The same operation however it is written. */
export function normalised(operation: string): string {
  return operation.trim().toLowerCase();
}

/** More threads than connections would have nothing to do. */
export function threadsOf({ numThreads, numClients }: BenchmarkConfig): number {
  return Math.min(numThreads, numClients);
}

/** @throws {UsageError} password-not-supported: other users of this machine see argument lists, and so does its journal. */
export function refusePassword(config: BenchmarkConfig, program: string, why: string): void {
  if (config.auth === undefined && config.user === undefined) return;
  throw new UsageError(
    'password-not-supported',
    `Expected no user or password with ${program}: ${why}. The built-in driver takes them safely: --driver builtin, with the password in VALKEYCLI_AUTH.`,
  );
}

/** @throws {UsageError} password-in-arguments. */
export function refuseSecretArguments({ extraArgs, prefixArgs }: BenchmarkConfig): void {
  const words = [...prefixArgs, ...extraArgs];
  if (redactArgv(words).every((word, i) => word === words[i])) return;
  throw new UsageError(
    'password-in-arguments',
    `Expected no password among the driver's arguments, got ${redactArgv(words).join(' ')}: all users of this machine can read them. Use the built-in driver, with the password in VALKEYCLI_AUTH.`,
  );
}

/** @returns whole seconds. @throws {UsageError} whole-seconds, for programs that know no parts of one. */
export function wholeSeconds(ms: number, what: string, program: string): string {
  if (ms >= 1000 && ms % 1000 === 0) return String(ms / 1000);
  throw new UsageError(
    'whole-seconds',
    `Expected the ${what} to be whole seconds with ${program}, got ${ms} ms.`,
  );
}
