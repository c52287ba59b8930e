import { timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';

/** Who may see the page. */
export interface Access {
  /** What it listens on. */
  readonly port: number;
  /** Asked of everyone who does not come over loopback; undefined where it listens on loopback alone. */
  readonly token?: string;
}

export interface Asked {
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** From the address, or from the cookie that the page got. */
  readonly token: string | undefined;
}

export type Verdict = 'allowed' | { readonly refused: 403 | 405; readonly reason: string };

/**
 * A page in the engineer's browser may send requests here too: it is told apart by Host (a name that was bound to our
 * address, DNS rebinding) and by Origin. Nothing is changed by any request, so only reads are let in.
 */
export function judgeRequest(asked: Asked, access: Access): Verdict {
  if (asked.method !== 'GET' && asked.method !== 'HEAD')
    return { refused: 405, reason: 'only GET is answered here' };
  const host = asked.host === undefined ? undefined : hostOf(asked.host);
  if (host === undefined || host.port !== access.port)
    return { refused: 403, reason: 'the Host header names another server' };
  // Numbers cannot be bound again; of names only the one that means this machine everywhere.
  if (host.name !== 'localhost' && isIP(host.name) === 0)
    return { refused: 403, reason: 'open it by its IP address or as localhost' };
  if (asked.origin !== undefined && asked.origin !== `http://${asked.host}`)
    return { refused: 403, reason: 'another page may not read this one' };
  if (access.token !== undefined && !isSame(asked.token ?? '', access.token))
    return {
      refused: 403,
      reason: 'the token is missing or wrong: open the address that stagewatch printed',
    };
  return 'allowed';
}

function hostOf(header: string): { name: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(header);
  if (!match) return undefined;
  return { name: (match[1] ?? match[2] ?? '').toLowerCase(), port: Number(match[3] ?? 80) };
}

function isSame(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

export function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || /^127(?:\.\d{1,3}){3}$/.test(address);
}
