import type { BenchmarkConfig } from '../bench/config.ts';

/** Where and as whom a run connects is no part of what is tried; a resumed search may have none of it. */
const credentials = new Set(['auth', 'user', 'tls']);

/** The same text for the same configuration, whatever the order of its settings; secrets are not in it. */
export function configKey(config: BenchmarkConfig): string {
  const settings = Object.entries(config).filter(
    ([name, value]) => value !== undefined && !credentials.has(name),
  );
  return JSON.stringify(settings.toSorted(byName), (_, value: unknown) =>
    isRecord(value) ? sorted(value) : value,
  );
}

function sorted(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).toSorted(byName));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
