import { beforeEach } from 'vitest';
import { MissingError } from '../../src/error.ts';
import { locate } from './locate.ts';

/**
 * Names the programs that a test file cannot do without; call it at the top of the file. Where one is missing the
 * file's tests are skipped, and say so; in CI the file fails.
 */
export function needs(...programs: string[]): void {
  const missing = programs.filter((program) => locate(program) === undefined);
  if (missing.length === 0) return;
  const text = `missing: ${missing.join(', ')}. \`npm run servers\` fetches the servers; perf and chromium are Debian's packages linux-perf and chromium`;
  if (process.env['CI']) throw new MissingError('test-needs', text);
  process.stderr.write(`tests skipped, ${text}\n`);
  beforeEach((context) => context.skip(text));
}
