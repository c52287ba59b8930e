/** A matcher of patterns as KEYS and CONFIG GET take them: `*`, `?`, `[a-z]`, `[^x]`, `\` before a literal. */
export function globMatcher(pattern: string): (text: string) => boolean {
  if (pattern === '*') return () => true;
  return (text) => matches(pattern, text);
}

/** With one point to go back to: linear in the pattern times the text, whatever a client sends. */
function matches(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let mark = 0;
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p++;
      mark = t;
      continue;
    }
    const next = p < pattern.length ? matchOne(pattern, p, text[t]!) : -1;
    if (next >= 0) {
      p = next;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++mark;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

/** @returns where the pattern goes on when its next element takes the character, else -1. */
function matchOne(pattern: string, at: number, c: string): number {
  const element = pattern[at]!;
  if (element === '?') return at + 1;
  if (element === '\\' && at + 1 < pattern.length) return pattern[at + 1] === c ? at + 2 : -1;
  if (element !== '[') return element === c ? at + 1 : -1;
  let p = at + 1;
  const negated = pattern[p] === '^';
  if (negated) p++;
  let isIn = false;
  for (; p < pattern.length && pattern[p] !== ']'; p++) {
    if (pattern[p] === '\\' && p + 1 < pattern.length) p++;
    else if (pattern[p + 1] === '-' && p + 2 < pattern.length) {
      const [low, high] = [pattern[p]!, pattern[p + 2]!].sort();
      if (c >= low! && c <= high!) isIn = true;
      p += 2;
      continue;
    }
    if (pattern[p] === c) isIn = true;
  }
  return isIn === negated ? -1 : Math.min(p + 1, pattern.length);
}
