import { UsageError } from '../error.ts';

/** Where a page is served. */
export interface ServeAddress {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

/** `8080`, `0.0.0.0:8080`, `[::1]:8080`, `localhost`; loopback and any free port where nothing is said. @throws {UsageError} serve-address. */
export function parseServeAddress(text: string): ServeAddress {
  const match = /^(?:(\d{1,5})|(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9][A-Za-z0-9.-]*))?(?::(\d{1,5}))?)$/.exec(
    text,
  );
  const port = Number(match?.[1] ?? match?.[4] ?? 0);
  if (!match || text === '' || port > 65_535)
    throw new UsageError(
      'serve-address',
      `Expected --serve to be an address such as 127.0.0.1:8080, got "${text}"`,
    );
  return { host: match[2] ?? match[3] ?? '127.0.0.1', port };
}
