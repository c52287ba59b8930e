// Packages that every command loads become one file each: their hundreds of modules cost more than all of ours at start.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { build } from 'esbuild';

const PACKAGES = ['commander', 'execa', 'leven', 'yaml', 'zod'];

/** @param root the repository, with dist/ compiled. */
export async function vendorPackages(root) {
  const folder = join(root, 'dist/vendor');
  const inputs = new Set();
  for (const name of PACKAGES) {
    // By name: what a CommonJS package exports cannot be told from its text.
    const names = Object.keys(await import(name)).filter(
      (key) => /^[\w$]+$/.test(key) && key !== 'module.exports',
    );
    const { metafile } = await build({
      stdin: {
        contents: `export { ${names.join(', ')} } from '${name}';`,
        resolveDir: root,
      },
      outfile: join(folder, `${name}.js`),
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      minify: true,
      metafile: true,
      // Some of what execa needs is CommonJS, and asks for Node's own modules by require.
      banner: {
        js: "import { createRequire as createRequireOfNode } from 'node:module'; const require = createRequireOfNode(import.meta.url);",
      },
      absWorkingDir: root,
      logLevel: 'warning',
    });
    for (const input of Object.keys(metafile.inputs)) inputs.add(input);
  }
  writeFileSync(join(folder, 'LICENSES.txt'), licencesOf(root, inputs));
  for (const part of ['src', 'hooks', 'bench', 'test']) pointToVendor(join(root, 'dist', part), folder);
}

/** The licence of every package that went into the bundles. */
function licencesOf(root, inputs) {
  const packages = new Set(
    [...inputs].map((input) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0]).filter(Boolean),
  );
  return [...packages]
    .sort()
    .map((path) => {
      const name = readdirSync(join(root, path)).find((file) => /^licen[cs]e/i.test(file));
      const text = name ? readFileSync(join(root, path, name), 'utf8') : 'see its package.json';
      return `${path.replace(/^.*node_modules\//, '')}\n\n${text}`;
    })
    .join('\n----------------------------------------\n\n');
}

function pointToVendor(folder, vendor) {
  if (!existsSync(folder)) return;
  const names = PACKAGES.join('|');
  const specifier = new RegExp(`(\\bfrom |\\bimport |\\bimport\\()(['"])(${names})\\2`, 'g');
  for (const file of readdirSync(folder, { recursive: true })) {
    if (!file.endsWith('.js')) continue;
    const path = join(folder, file);
    const text = readFileSync(path, 'utf8');
    const pointed = text.replace(specifier, (_, keyword, quote, name) => {
      const to = relative(dirname(path), join(vendor, `${name}.js`));
      return `${keyword}${quote}${to.startsWith('.') ? to : `./${to}`}${quote}`;
    });
    if (pointed !== text) writeFileSync(path, pointed);
  }
}
