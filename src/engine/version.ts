import { readFileSync } from 'node:fs';

/** The package's root is two folders above the sources, three above dist/. */
const manifest = new URL(
  import.meta.url.endsWith('.ts') ? '../../package.json' : '../../../package.json',
  import.meta.url,
);

/** Of stagewatch. */
export const version = (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
