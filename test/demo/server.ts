import { startEngine } from '../../src/engine/start.ts';
import { messageOf } from '../../src/error.ts';
import { ControlLink } from '../../src/load/control-link.ts';
import { LoadError } from '../../src/load/error.ts';
import { readServer } from '../../src/load/preflight.ts';
import { detectDialect } from '../../src/load/vector-index.ts';
import { locate } from '../servers/locate.ts';
import { startServer } from '../servers/start.ts';

/** The server that the demo runs on. Disposing ends it where the demo started it. */
export interface DemoServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** For the user: what it is, and why it was taken. */
  readonly told: string;
  /** It is the user's own: what the demo wrote must go again. */
  readonly isTheirs: boolean;
}

/**
 * The server that the user names; else a real one of this machine that can search vectors; else the embedded engine.
 * @throws LoadError where the named one cannot be reached, or knows no vector search.
 */
export async function chooseServer(named: string | undefined, engineOnly: boolean): Promise<DemoServer> {
  if (named !== undefined) return await namedServer(named);
  const reasons: string[] = [];
  for (const program of engineOnly ? [] : (['valkey-server', 'redis-server'] as const)) {
    // On PATH, or where `npm run servers` puts them: both are up in a tenth of a second.
    const path = locate(program);
    if (path === undefined) {
      reasons.push(`there is no ${program}`);
      continue;
    }
    const server = await startServer({ program }).catch((error: unknown) => messageOf(error));
    if (typeof server === 'string') {
      reasons.push(`${path} does not start: ${server.trim().split('\n').at(-1)}`);
      continue;
    }
    try {
      const told = `${path}: ${await probe('127.0.0.1', server.port)}`;
      return {
        host: '127.0.0.1',
        port: server.port,
        told,
        isTheirs: false,
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    } catch (error) {
      await server[Symbol.asyncDispose]();
      if (!(error instanceof LoadError)) throw error;
      reasons.push(
        `${path} ${error.code === 'no-vector-search' ? 'knows no vector search' : messageOf(error)}`,
      );
    }
  }
  return await embeddedServer(reasons);
}

async function namedServer(named: string): Promise<DemoServer> {
  const at = named.lastIndexOf(':');
  const host = named.slice(0, at).replaceAll(/^\[|\]$/g, '');
  const port = Number(named.slice(at + 1));
  return {
    host,
    port,
    told: `${named}: ${await probe(host, port)}`,
    isTheirs: true,
    [Symbol.asyncDispose]: async () => {},
  };
}

async function embeddedServer(reasons: readonly string[]): Promise<DemoServer> {
  const engine = await startEngine();
  const why = reasons.length > 0 ? ` (${reasons.join('; ')})` : '';
  const hnsw =
    engine.hnsw === 'hnswlib-node' ? 'hnswlib' : 'HNSW in JavaScript, as hnswlib-node was not built here';
  return {
    host: '127.0.0.1',
    port: engine.port,
    told: `the embedded engine, with ${hnsw}${why}. It is no database: its figures say nothing about Valkey or Redis.`,
    isTheirs: false,
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
}

/** What a server is and can. @throws LoadError when it cannot be asked, or knows no vector search. */
async function probe(host: string, port: number): Promise<string> {
  const control = await ControlLink.open({ host, port, database: 0, ...passwordOf(process.env) });
  try {
    const { program, version } = await readServer(control);
    const dialect = await detectDialect(control);
    return `${program} ${version}, ${dialect === 'search' ? 'FT.SEARCH' : 'vector sets'}`;
  } finally {
    control.close();
  }
}

/** As valkey-cli, `stagewatch load` and `stagewatch run` take it. */
export function passwordOf(environment: NodeJS.ProcessEnv): { readonly password?: string } {
  const password = environment['VALKEYCLI_AUTH'] ?? environment['REDISCLI_AUTH'];
  return password === undefined ? {} : { password };
}
