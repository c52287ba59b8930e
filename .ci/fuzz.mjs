// `npm run fuzz -- --minutes N`: the property tests, with 20 times as many runs and new seeds, again until N minutes are
// over. A failure prints the seed and the smallest input that fast-check found, and ends with 1.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const files = [
  'test/fuzz',
  'test/stage/scanner.test.ts',
  'test/stage/emitter.test.ts',
  'test/stage/tracker.test.ts',
  'test/session/session.test.ts',
  'test/valkey/resp.test.ts',
  'test/bench/dataset/hostile.test.ts',
];
const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) {
  process.stderr.write(`Expected --minutes to be a number above 0, got ${values.minutes}\n`);
  process.exit(2);
}
const until = Date.now() + minutes * 60_000;
const root = fileURLToPath(new URL('..', import.meta.url));
let rounds = 0;
while (Date.now() < until) {
  const { status } = spawnSync('npx', ['vitest', 'run', '--testTimeout', '1200000', ...files], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, STAGEWATCH_FUZZ: '20' },
  });
  if (status !== 0) process.exit(1);
  rounds++;
}
process.stdout.write(`fuzz: ${rounds} rounds of 20 times the usual runs, no failure\n`);
