import { expect, test } from 'vitest';
import { startEngine } from '../../src/engine/start.ts';
import { version } from '../../src/engine/version.ts';
import { Children } from '../../src/restore/children.ts';
import { findTargets } from '../../src/target/find.ts';
import { identify } from '../../src/target/identify.ts';
import { LocalHost } from '../../src/target/local-host.ts';
import { needs } from '../servers/need.ts';
import { startServer } from '../servers/start.ts';

needs('valkey-server');

async function versionOf(pid: number): Promise<string | undefined> {
  const found = findTargets({ by: 'pid', pid }, new LocalHost(new Children()), { all: false });
  if (found.state !== 'found') throw new Error(`no server with PID ${pid}`);
  return (await identify(found.targets[0]!)).version;
}

test('Valkey is called by its own version, not that of Redis which it says too', async () => {
  await using server = await startServer({ program: 'valkey-server' });
  expect(await versionOf(server.pid)).toMatch(/^valkey \d+\.\d+\.\d+$/);
});

test('the engine is called what it is, though it says a version of Redis for clients', async () => {
  await using engine = await startEngine({ perfMap: false });
  expect(await versionOf(engine.pid)).toBe(`stagewatch-engine ${version}`);
});
