import { StagewatchError, messageOf } from '../error.ts';
import { passwordVariables } from './credentials.ts';

const useVariable = `set ${passwordVariables.join(' or ')}`;

/** What the server's own errors mean for us, by their first word. */
const codes = new Map<string, readonly [code: string, advice: string]>([
  ['NOAUTH', ['auth-required', `it asks for a password: ${useVariable}`]],
  ['WRONGPASS', ['wrong-password', `it refused the user or the password: check ${useVariable.slice(4)}`]],
  [
    'NOPERM',
    ['not-permitted', 'the user may not ask that: grant it with ACL SETUSER name +@dangerous +info'],
  ],
  ['LOADING', ['loading', 'it is still loading its data']],
  ['BUSY', ['busy', 'it is running a script']],
  ['DENIED', ['denied', 'it is in protected mode: ask it on loopback, or give it a password']],
]);

/** An error reply, with a code of ours: `auth-required`, `wrong-password`, `not-permitted`, `loading`, ... */
export function replyError(where: string, cause: unknown): StagewatchError {
  const text = messageOf(cause);
  const [code, advice] = codes.get(text.split(' ', 1)[0] ?? '') ?? [
    // Servers before 6 have no WRONGPASS.
    /invalid (username-password|password)/i.test(text) ? 'wrong-password' : 'error-reply',
    text.slice(0, 200),
  ];
  return new StagewatchError(code, `${where}: ${advice}`, { cause });
}

/** A connection that failed: `refused`, `no-answer`, `not-a-server`, `tls-failed`, `connection-lost`. */
export function connectionError(where: string, cause: unknown, tls: boolean): StagewatchError {
  const { code: errno = '', name = '' } = (cause ?? {}) as NodeJS.ErrnoException;
  const text = messageOf(cause);
  const make = (code: string, message: string): StagewatchError =>
    new StagewatchError(code, `${where}: ${message}`, { cause });

  if (cause instanceof StagewatchError) return cause;
  if (errno === 'ECONNREFUSED' || errno === 'ENOENT') return make('refused', 'nobody listens there');
  if (name === 'ParserError') return make('not-a-server', 'what answers is no Valkey or Redis server');
  if (/timed? ?out/i.test(errno + text))
    return make('no-answer', tls ? 'no answer; is it a TLS port?' : 'no answer');
  if (/^ERR_(SSL|TLS)|CERT|EPROTO|SELF_SIGNED|ISSUER|ALTNAME|SIGNATURE/.test(errno))
    return make(
      'tls-failed',
      `TLS failed: ${errno}; is it a TLS port, and is the certificate the right one?`,
    );
  // `Stream isn't writeable`: iovalkey has seen the end of it already.
  if (/closed|ended|isn't writeable/i.test(text) || errno === 'ECONNRESET' || errno === 'EPIPE')
    return make(
      'connection-lost',
      `it closed the connection${tls ? '' : '; if it speaks TLS, the option tls says so'}`,
    );
  return make('unreachable', errno === '' ? text : errno);
}
