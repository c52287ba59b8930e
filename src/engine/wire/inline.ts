const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\u0007' };

const isBlank = (c: string | undefined): boolean => c !== undefined && /[\t-\r ]/.test(c);

/**
 * Splits what a person types into a telnet session: words between blanks, "double quotes" with escapes, 'single
 * quotes' without. @returns undefined for unbalanced quotes.
 */
export function splitInline(line: string): string[] | undefined {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (isBlank(line[at])) at++;
    if (at >= line.length) return words;
    let word = '';
    while (at < line.length && !isBlank(line[at])) {
      const quote = line[at];
      if (quote !== '"' && quote !== "'") {
        word += line[at++];
        continue;
      }
      const quoted = quote === '"' ? doubleQuoted(line, at + 1) : singleQuoted(line, at + 1);
      if (quoted === undefined || (quoted.end < line.length && !isBlank(line[quoted.end]))) return undefined;
      word += quoted.text;
      at = quoted.end;
      break;
    }
    words.push(word);
  }
}

interface Quoted {
  readonly text: string;
  /** Behind the closing quote. */
  readonly end: number;
}

function doubleQuoted(line: string, from: number): Quoted | undefined {
  let text = '';
  for (let at = from; at < line.length; at++) {
    const c = line[at]!;
    if (c === '"') return { text, end: at + 1 };
    if (c !== '\\' || at + 1 >= line.length) {
      text += c;
      continue;
    }
    const hex = /^\\x([0-9a-fA-F]{2})/.exec(line.slice(at, at + 4));
    if (hex) {
      text += String.fromCharCode(Number.parseInt(hex[1]!, 16));
      at += 3;
    } else {
      const next = line[++at]!;
      text += ESCAPES[next] ?? next;
    }
  }
  return undefined;
}

function singleQuoted(line: string, from: number): Quoted | undefined {
  let text = '';
  for (let at = from; at < line.length; at++) {
    if (line[at] === "'") return { text, end: at + 1 };
    if (line[at] === '\\' && line[at + 1] === "'") at++;
    text += line[at]!;
  }
  return undefined;
}
