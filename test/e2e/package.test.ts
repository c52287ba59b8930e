import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { TestFolder } from './support.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('the packed package, installed into an empty folder, monitors a benchmark', async () => {
  using folder = new TestFolder();
  const env = { npm_config_audit: 'false', npm_config_fund: 'false', npm_config_update_notifier: 'false' };
  // --ignore-scripts: dist/ is built, and building it again would pull it away from under the other tests.
  await execa('npm', ['pack', '--ignore-scripts', '--pack-destination', folder.path], { cwd: root, env });
  const [tarball] = readdirSync(folder.path).filter((name) => name.endsWith('.tgz'));
  const app = join(folder.path, 'app');
  await execa('npm', ['init', '-y', '--init-type', 'module'], { cwd: folder.path, env }).catch(
    () => 'older npm',
  );
  await execa('mkdir', [app]);
  await execa('npm', ['install', '--prefix', app, '--omit=optional', join(folder.path, tarball!)], {
    cwd: app,
    env,
  });

  const help = await execa('npx', ['--no-install', 'stagewatch', '--help'], { cwd: app, env });
  expect(help.stdout).toContain('monitor');
  const input = 'a\n[STAGE:START] get\n[STAGE:END] get\n';
  const args = ['--no-install', 'stagewatch', 'monitor', '--profile', 'metrics', '--output-dir', 'out'];
  const ran = await execa('npx', args, { cwd: app, env, input, stripFinalNewline: false });
  expect(ran.stdout).toBe(input);
  const [session] = readdirSync(join(app, 'out'));
  expect(existsSync(join(app, 'out', session!, 'session.json'))).toBe(true);
  const library = "import('stagewatch/hook').then((hook) => console.log(typeof hook.defineHook))";
  expect((await execa(process.execPath, ['-e', library], { cwd: app })).stdout).toBe('function');
}, 180_000);
