// Compiles the package and bundles the browser code. Used by `npm run build` and, through prepare.mjs, by `npm ci`.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const packageFolder = (name) => dirname(require.resolve(`${name}/package.json`));

const tsc = [join(packageFolder('typescript'), 'bin/tsc'), '-p', 'tsconfig.build.json'];
// Type errors fail the build, but only after all that can be made is there.
process.exitCode = spawnSync(process.execPath, tsc, { cwd: root, stdio: 'inherit' }).status ?? 1;
chmodSync(join(root, 'dist/src/cli/main.js'), 0o755);

// Every web/*.entry.ts becomes one self-contained script: the pages must open offline.
const webFolder = join(root, 'web');
const entries = existsSync(webFolder)
  ? readdirSync(webFolder).filter((name) => name.endsWith('.entry.ts'))
  : [];
if (entries.length > 0) {
  const { build } = await import('esbuild');
  await build({
    entryPoints: Object.fromEntries(
      entries.map((name) => [name.replace('.entry.ts', ''), join(webFolder, name)]),
    ),
    outdir: join(root, 'dist/web'),
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    loader: { '.css': 'text' },
    legalComments: 'inline',
    logLevel: 'warning',
  });
}

const { vendorPackages } = await import('./vendor.mjs');
await vendorPackages(root);

const { bundlePrograms } = await import('./bundle.mjs');
await bundlePrograms(root);
