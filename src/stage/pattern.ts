import { UsageError } from '../error.ts';
import { parseStage, type Stage } from './stage.ts';

/**
 * A test for `--watch` and `--skip`: `vec-query` is that stage with any tag or none, `vec-query:ef_100` that one only.
 * Name and tag may hold `*` (any text) and `?` (one character); `get:*` wants a tag. No pattern matches nothing.
 * @throws {UsageError} for a pattern without a name.
 */
export function stageMatcher(patterns: readonly string[]): (stage: Stage) => boolean {
  const wanted = patterns.map((pattern) => {
    const { name, tag } = parseStage(pattern);
    if (name === '')
      throw new UsageError(
        'bad-stage-pattern',
        `Expected a stage such as vec-query, vec-query:ef_100 or "get:*", got "${pattern}".`,
      );
    return { name: globMatcher(name), tag: tag === undefined ? undefined : globMatcher(tag) };
  });
  return (stage) =>
    wanted.some(({ name, tag }) => name(stage.name) && (!tag || (stage.tag !== undefined && tag(stage.tag))));
}

function globMatcher(glob: string): (text: string) => boolean {
  if (!/[*?]/.test(glob)) return (text) => text === glob;
  const pattern = [...glob];
  return (text) => matchesGlob(pattern, [...text]);
}

/**
 * Greedy, and on a mismatch back to the last `*` only: earlier ones need no second try, since the shortest match of
 * what stands between two stars leaves the most for the rest. So no input makes it exponential, as a RegExp could be.
 */
function matchesGlob(pattern: readonly string[], text: readonly string[]): boolean {
  let p = 0;
  let star = -1;
  let retry = 0;
  for (let t = 0; t < text.length;) {
    if (pattern[p] === '*') {
      star = p++;
      retry = t;
    } else if (pattern[p] === '?' || (p < pattern.length && pattern[p] === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++retry;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
