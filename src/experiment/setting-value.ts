import { UsageError } from '../error.ts';

/** As the servers count: `k` is 1000, `kb` is 1024. */
const units: Readonly<Record<string, number>> = {
  b: 1,
  k: 1_000,
  kb: 1_024,
  m: 1_000_000,
  mb: 1_024 ** 2,
  g: 1_000_000_000,
  gb: 1_024 ** 3,
};

/** Older names that servers still answer with. */
const synonyms: Readonly<Record<string, string>> = { slave: 'replica', master: 'primary' };

/** What we do not touch: their values are secrets, which belong in no journal, or they are how we reach the server. */
const untouchable =
  /^(?:requirepass|masterauth|primaryauth|masteruser|primaryuser|aclfile|.*(?:pass|password|secret)|port|tls-port|bind|unixsocket|enable-debug-command)$/;

/** @throws {UsageError} bad-setting, for what is no name, or is none of ours to change. */
export function checkSettingName(name: string): void {
  if (!/^[a-z0-9][a-z0-9._-]*$/i.test(name))
    throw new UsageError(
      'bad-setting',
      `Expected the name of a server's setting, like io-threads, got "${name}".`,
    );
  if (untouchable.test(name.toLowerCase()))
    throw new UsageError(
      'bad-setting',
      `Expected a setting that a benchmark may change, got "${name}": passwords would be in the journal, and without its address we could not put anything back.`,
    );
}

/** `NAME=VALUE`, as --set-config takes it. @throws {UsageError} bad-setting */
export function parseSetting(text: string): readonly [name: string, value: string] {
  const equals = text.indexOf('=');
  if (equals < 1)
    throw new UsageError('bad-setting', `Expected --set-config to be NAME=VALUE, got "${text}".`);
  const name = text.slice(0, equals);
  checkSettingName(name);
  return [name.toLowerCase(), text.slice(equals + 1)];
}

/**
 * Bytes of `100mb`, `64k`, `1073741824`, in the servers' own units; undefined for what is no such size.
 * @param text case does not matter.
 */
export function parseBytes(text: string): number | undefined {
  const [, digits = '', unit = 'b'] = /^(\d{1,18})(b|k|kb|m|mb|g|gb)?$/.exec(text.trim().toLowerCase()) ?? [];
  const bytes = digits === '' ? Number.NaN : Number(digits) * units[unit]!;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/**
 * Whether what the server reports is what it was asked for: `100mb` is 104857600, `YES` is yes, `KEA` is AKE, and
 * `normal 1mb 0 0` is a part of all classes' limits.
 */
export function isKept(asked: string, reported: string): boolean {
  if (asked === reported) return true;
  const [want, have] = [wordsOf(asked), wordsOf(reported)];
  if (want.length === 0 || have.length === 0) return want.length === have.length;
  if (want.length > 1) return ` ${have.join(' ')} `.includes(` ${want.join(' ')} `);
  if (have.length > 1) return false;
  return want[0] === have[0] || isFlags(asked, reported);
}

function wordsOf(text: string): string[] {
  const bare = text.trim().replace(/^"(.*)"$/s, '$1');
  return bare
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => {
      const lower = word.toLowerCase();
      return synonyms[lower] ?? String(parseBytes(lower) ?? lower);
    });
}

/** notify-keyspace-events is a set of letters, in any order. */
function isFlags(asked: string, reported: string): boolean {
  const letters = (text: string): string => [...new Set(text)].toSorted().join('');
  return /^[A-Za-z$]+$/.test(asked) && letters(asked) === letters(reported);
}
