// `npm ci` leaves dist/ built; `npm ci --omit=dev` has no compiler and must not fail for it.
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
try {
  require.resolve('typescript/package.json');
  require.resolve('esbuild/package.json');
} catch {
  process.stderr.write('stagewatch: development dependencies are absent, dist/ is left as it is\n');
  process.exit(0);
}
rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true });
await import('./build.mjs');
