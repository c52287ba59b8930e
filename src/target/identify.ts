import { connect } from 'node:net';
import { credentialsOf } from '../valkey/credentials.ts';
import { parseInfo } from '../valkey/info.ts';
import { encodeCommand } from '../valkey/resp-encode.ts';
import { ReplyReader } from '../valkey/resp-read.ts';
import type { RespValue } from '../valkey/resp-value.ts';
import { buildIdOf } from './build-id.ts';
import type { Target } from './contract.ts';

/** What tells two servers apart whose command lines are the same. */
export interface Identity {
  /** As INFO says it: `valkey 8.0.1`, `redis 8.0.2`, `stagewatch-engine 0.1.0`. */
  readonly version?: string;
  /** Of its executable, hex. */
  readonly buildId?: string;
}

const PATIENCE_MS = 1_000;

/** Never throws: a server that may not be asked has a build id all the same. */
export async function identify(target: Target): Promise<Identity> {
  const buildId = buildIdOf(target.pid);
  const version = target.port === undefined ? undefined : await askVersion(target.port);
  return { ...(version === undefined ? {} : { version }), ...(buildId === undefined ? {} : { buildId }) };
}

async function askVersion(port: number): Promise<string | undefined> {
  const { user, password } = credentialsOf();
  const secret = password?.reveal();
  const auth = secret === undefined ? [] : [['AUTH', ...(user === undefined ? [] : [user]), secret]];
  const replies = await ask(port, [...auth, ['INFO', 'server']]);
  const info = replies.at(-1);
  if (!Buffer.isBuffer(info)) return undefined;
  const fields = parseInfo(info.toString());
  const valkey = fields.text('valkey_version');
  const redis = fields.text('redis_version');
  const engine = fields.text('stagewatch_version');
  // It says a version of Redis for clients' sake.
  if (engine !== undefined) return `stagewatch-engine ${engine}`;
  return valkey !== undefined ? `valkey ${valkey}` : redis === undefined ? undefined : `redis ${redis}`;
}

/**
 * By a socket of its own: to load the client takes as long as arming does, on the thread that waits for markers.
 * @returns the replies that came: none from what is no such server, or speaks TLS.
 */
function ask(port: number, commands: readonly string[][]): Promise<RespValue[]> {
  return new Promise((resolve) => {
    const replies: RespValue[] = [];
    const reader = new ReplyReader();
    const socket = connect(port, '127.0.0.1');
    const done = (): void => {
      socket.destroy();
      resolve(replies);
    };
    socket.setTimeout(PATIENCE_MS, done);
    socket.on('error', done);
    socket.on('close', done);
    socket.on('data', (chunk) => {
      try {
        replies.push(...reader.read(chunk));
      } catch {
        return done(); // no RESP: another kind of server
      }
      if (replies.length >= commands.length) done();
    });
    for (const command of commands) socket.write(encodeCommand(command));
  });
}
