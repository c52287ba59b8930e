import { readFile } from 'node:fs/promises';
import { inspect } from 'node:util';
import { messageOf, UsageError } from '../error.ts';

/** A password. Whatever prints, logs or serialises it shows `***`. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** Only for what is sent to the server. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return '***';
  }

  toJSON(): string {
    return '***';
  }

  [inspect.custom](): string {
    return '***';
  }
}

export interface Credentials {
  readonly user?: string;
  readonly password?: Secret;
}

/** Where the certificates lie; paths on this machine. */
export interface TlsFiles {
  /** Of the authority that signed the server's certificate; those of the system without. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Name that the server's certificate is checked against, if not the host's. */
  readonly sni?: string;
  readonly skipVerify?: boolean;
}

/** What node:tls takes. */
export interface TlsSettings {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
}

/** As the servers' own tools name them, newest first. */
export const passwordVariables = ['VALKEYCLI_AUTH', 'REDISCLI_AUTH'] as const;

/** What was given wins; else the environment, so that no password stands in a file or in a command line. */
export function credentialsOf(given: Credentials = {}, env: NodeJS.ProcessEnv = process.env): Credentials {
  const { user } = given;
  const found = passwordVariables.map((name) => env[name]).find((text) => text);
  const password = given.password ?? (found === undefined ? undefined : new Secret(found));
  return { ...(user === undefined ? {} : { user }), ...(password === undefined ? {} : { password }) };
}

/** @throws {UsageError} tls-file, when one of them cannot be read. */
export async function readTls(files: TlsFiles): Promise<TlsSettings> {
  const [ca, cert, key] = await Promise.all([
    readPem('CA certificate', files.ca),
    readPem('client certificate', files.cert),
    readPem('key', files.key),
  ]);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(files.sni === undefined ? {} : { servername: files.sni }),
    rejectUnauthorized: !files.skipVerify,
  };
}

async function readPem(what: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new UsageError(
      'tls-file',
      `Expected the TLS ${what} to be a file that can be read, got "${path}": ${messageOf(cause)}`,
      { cause },
    );
  }
}
