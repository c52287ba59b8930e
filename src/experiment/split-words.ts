import { UsageError } from '../error.ts';

/**
 * Splits a command line into words without a shell: blanks part words, '...' and "..." keep them together, and a
 * backslash keeps the next character as it is (not within '...'). Nothing else means anything: no variables, patterns,
 * pipes or redirections.
 * @param flag whose value this is, for the message.
 * @throws {UsageError} bad-command, for an open quote.
 */
export function splitWords(text: string, flag: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const c = text[at]!;
    if (c === '\\' && quote !== "'" && at + 1 < text.length) word = (word ?? '') + text[++at]!;
    else if (quote !== undefined) {
      if (c === quote) quote = undefined;
      else word += c;
    } else if (c === "'" || c === '"') {
      quote = c;
      word ??= '';
    } else if (/\s/.test(c)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + c;
  }
  if (quote !== undefined)
    throw new UsageError('bad-command', `Expected ${flag} to close its ${quote} quote, got: ${text}`);
  if (word !== undefined) words.push(word);
  return words;
}
