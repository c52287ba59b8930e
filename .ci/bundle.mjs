// Programs of ours that start for one short job become one file each: loading their forty modules takes 30 ms of CPU, a
// tenth of what it takes to draw a flame graph.
import { join } from 'node:path';
import { build } from 'esbuild';

const PROGRAMS = ['fold-main', 'flamegraph-main', 'flamegraph'];

/** @param root the repository, with dist/ compiled: the bundles take the place of the modules that they begin with. */
export async function bundlePrograms(root) {
  const folder = join(root, 'dist/src/perf');
  await build({
    entryPoints: PROGRAMS.map((name) => join(folder, `${name}.js`)),
    outdir: folder,
    allowOverwrite: true,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    sourcemap: true,
    // The command knows errors by their class: there must be one of each.
    external: ['../error.js'],
    logLevel: 'warning',
  });
}
