// npm run bench [-- NAME...]: measures; never asserts a time.
import { cpus } from 'node:os';

const benches: Readonly<
  Record<string, () => Promise<{ run: (print: (line: string) => void) => Promise<void> }>>
> = {
  'pass-through': () => import('./pass-through.ts'),
  append: () => import('./append.ts'),
  coverage: () => import('./coverage.ts'),
  fold: () => import('./fold.ts'),
  engine: () => import('./engine.ts'),
  'hooks-cost': () => import('./hooks-cost.ts'),
  load: () => import('./load.ts'),
  search: () => import('./search.ts'),
  report: () => import('./report.ts'),
};

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !(name in benches));
if (unknown !== undefined) {
  print(`Expected a benchmark out of ${Object.keys(benches).join(', ')}, got "${unknown}"`);
  process.exitCode = 2;
} else {
  print(`${cpus().length} x ${cpus()[0]?.model.trim()}, Node ${process.versions.node}`);
  for (const [name, load] of Object.entries(benches)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    print(`\n${name}`);
    await (await load()).run(print);
  }
}
