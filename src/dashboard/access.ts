import { timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';

/** Who may see the page. */
export interface Access {
  /** What it was told to listen on: a name that is given here may be asked for. */
  readonly host: string;
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
 * address, DNS rebinding) and by Origin. The port may be any: a tunnel has its own. Nothing is changed by any request,
 * so only reads are let in.
 */
export function judgeRequest(asked: Asked, access: Access): Verdict {
  if (asked.method !== 'GET' && asked.method !== 'HEAD')
    return { refused: 405, reason: 'only GET is answered here' };
  const name = asked.host === undefined ? undefined : nameOf(asked.host);
  // Numbers cannot be bound again; of names only the one that means this machine everywhere, and the one it serves.
  if (name === undefined || (name !== 'localhost' && name !== access.host.toLowerCase() && isIP(name) === 0))
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

/** `localhost` of `localhost:8080`, `::1` of `[::1]:8080`. */
function nameOf(header: string): string | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::\d{1,5})?$/.exec(header);
  return (match?.[1] ?? match?.[2])?.toLowerCase();
}

function isSame(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

export function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || /^127(?:\.\d{1,3}){3}$/.test(address);
}
