/** Stands for a secret in whatever is kept or shown. */
export const REDACTED = '***';

/** Options whose value is a secret: `-a x`, `--requirepass x`, `--redis-password=x`. */
const secretOption =
  /^(?:-a|--?(?:requirepass|masterauth|primaryauth|authenticate|(?:\w+[-_])*(?:auth|pass|passwd|password|passphrase|secret|token|credentials?|api[-_]?key)))$/i;
/** The same as directives of a configuration, and of CONFIG SET. */
const secretDirective = /^(?:requirepass|masterauth|primaryauth|(?:tls-)?(?:client-)?key-file-pass)$/i;
const secretVariable = /^[A-Z0-9_]*(?:AUTH|PASS|SECRET|TOKEN|CREDENTIAL|API_?KEY)[A-Z0-9_]*$/;
/** `AUTH [user] password`, also within HELLO and MIGRATE. */
const authCommand = /^auth2?$/i;
/** `-u alice:secret`; `--user alice on >secret` too. */
const userOption = /^(?:-u|--user|user)$/i;
/** Of a user's rules: passwords and hashes to add (`>`, `#`) and to remove (`<`, `!`). */
const aclSecret = /^[><#!](?=.)/;
const option = /^--?[a-z]/i;

/** A command line as words, without its secrets: passwords, tokens, and those in URLs. */
export function redactArgv(argv: readonly string[]): string[] {
  return redactWords(argv, true);
}

/** The same for running text: messages, titles of processes. */
export function redactText(text: string): string {
  const parts = text.split(/(\s+)/);
  // "AUTH failed" in a message is no command.
  const words = redactWords(
    parts.filter((_, index) => index % 2 === 0),
    false,
  );
  return parts.map((part, index) => (index % 2 === 0 ? words[index / 2]! : part)).join('');
}

/** Options and other data as they are kept: lists of words as command lines, text as text, values of secret names not at all. */
export function redactData(value: unknown): unknown {
  if (typeof value === 'string') return redactText(value);
  if (Array.isArray(value))
    return value.every((item) => typeof item === 'string')
      ? redactArgv(value)
      : value.map((item) => redactData(item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      typeof inner === 'string' && secretOption.test(`--${name}`) ? REDACTED : redactData(inner),
    ]),
  );
}

function redactWords(words: readonly string[], areArguments: boolean): string[] {
  let secretsAhead = 0;
  let user: 'name' | 'rules' | undefined;
  return words.map((word) => {
    if (secretsAhead > 0) {
      secretsAhead--;
      return REDACTED;
    }
    const equals = word.indexOf('=');
    const name = equals > 0 ? word.slice(0, equals) : word;
    const isSecret = secretOption.test(name) || secretDirective.test(name);
    if (equals > 0 && (isSecret || secretVariable.test(name))) return `${name}=${REDACTED}`;
    if (isSecret) secretsAhead = 1;
    // One word or two follow: better a harmless one lost than a secret kept.
    else if (areArguments && authCommand.test(word)) secretsAhead = 2;

    const isUserName = user === 'name' && !word.includes('://');
    if (userOption.test(word)) user = 'name';
    else if (option.test(word)) user = undefined;
    else if (user !== undefined) user = 'rules';
    if (user === 'rules' && aclSecret.test(word)) return `${word[0]}${REDACTED}`;
    if (isUserName && word.includes(':')) return `${word.slice(0, word.indexOf(':'))}:${REDACTED}`;
    // A command line within one word: `sh -c "bench -a secret"`.
    const inner = /\s/.test(word) ? redactInner(word) : word;
    return redactUrls(redactDirectives(inner));
  });
}

function redactInner(text: string): string {
  const parts = text.split(/(\s+)/);
  const words = redactWords(
    parts.filter((_, index) => index % 2 === 0),
    true,
  );
  return parts.map((part, index) => (index % 2 === 0 ? words[index / 2]! : part)).join('');
}

/** A directive with its value in one word, `"requirepass secret"`, or one of several pairs, `a=b,password=c`. */
function redactDirectives(word: string): string {
  return word
    .replaceAll(/\b(requirepass|masterauth|primaryauth)(\s+)\S+/gi, `$1$2${REDACTED}`)
    .replaceAll(/([,;&?](?:auth|pass|passwd|password|secret|token)=)[^,;&]*/gi, `$1${REDACTED}`);
}

/** `redis://user:secret@host`: a password may hold `@` and `/` itself, so all up to the last `@` goes. */
function redactUrls(word: string): string {
  return word.replaceAll(/([a-z][a-z0-9+.-]*:\/\/)\S*@/gi, `$1${REDACTED}@`);
}
