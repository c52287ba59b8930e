// Starts children and waits to be killed. Argument: a JSON list of [argv, options]. Prints the first line of each
// child, then the PID of the guard.
import { createJiti } from 'jiti';

const { Children } = await createJiti(import.meta.url).import('../../src/restore/children.ts');
const children = new Children();
for (const [argv, options] of JSON.parse(process.argv[2])) {
  const child = children.spawn(argv, options);
  process.stdout.write(await new Promise((resolve) => child.stdout.once('data', resolve)));
}
process.stdout.write(`guard ${children.guardPid}\n`);
setInterval(() => {}, 1000);
