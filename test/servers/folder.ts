import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where fetched servers are kept: `$XDG_CACHE_HOME/stagewatch/servers`. */
export function serversFolder(): string {
  const cache = process.env['XDG_CACHE_HOME'];
  return join(cache?.startsWith('/') ? cache : join(homedir(), '.cache'), 'stagewatch', 'servers');
}
