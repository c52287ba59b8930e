import { afterAll, beforeAll } from 'vitest';
import { startLoad } from '../perf/load.ts';
import { type RunningServer, startServer } from './start.ts';

/**
 * One server for all tests of a file, ended after them.
 * @param args of the server. @param load flags of valkey-benchmark, which keeps it busy; idle without.
 */
export function serverForAll(
  args: readonly string[] = [],
  load?: readonly string[],
): Pick<RunningServer, 'pid' | 'port'> {
  let server: RunningServer | undefined;
  let running: AsyncDisposable | undefined;
  beforeAll(async () => {
    server = await startServer({ args: [...args] });
    if (load) running = startLoad(server.port, ...load);
  });
  afterAll(async () => {
    await running?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });
  const started = (): RunningServer => {
    if (!server) throw new Error('the server is started by beforeAll: ask within a test');
    return server;
  };
  return {
    get pid() {
      return started().pid;
    },
    get port() {
      return started().port;
    },
  };
}
