import type { ServerAddress } from '../valkey/client.ts';
import { credentialsOf, type TlsFiles } from '../valkey/credentials.ts';

/** What a session keeps of how its server is reached: never the password. */
interface KeptBase {
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  readonly tls?: TlsFiles;
}

/**
 * How the server is reached whose setting a journal names: user and TLS as the session had them, the password from the
 * environment.
 * @param server `127.0.0.1:6379`, `::1:6379`, or the path of a Unix socket.
 * @param about of the session.
 */
export function serverOf(
  server: string | undefined,
  about: Readonly<Record<string, unknown>>,
  env: NodeJS.ProcessEnv = process.env,
): ServerAddress | undefined {
  if (server === undefined) return undefined;
  const experiment = about['experiment'] as { readonly base?: KeptBase } | undefined;
  const base = experiment?.base ?? {};
  const isIts = `${base.host}:${base.port}` === server;
  const known = {
    ...credentialsOf(isIts && base.user !== undefined ? { user: base.user } : {}, env),
    ...(isIts && base.tls ? { tls: base.tls } : {}),
  };
  if (server.startsWith('/')) return { host: '', port: 0, socket: server, ...known };
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(server) ?? [];
  return host === undefined ? undefined : { host, port: Number(port), ...known };
}
