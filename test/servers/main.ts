import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../src/error.ts';
import { fetchServers } from './fetch.ts';
import { fetchPrometheus } from './prometheus.ts';

// `npm run servers`: fetches what is not there, prints the paths.
try {
  const tell = (line: string): void => void process.stderr.write(`${line}\n`);
  const bin = await fetchServers(undefined, tell);
  await fetchPrometheus(tell);
  for (const name of readdirSync(bin).toSorted()) process.stdout.write(`${join(bin, name)}\n`);
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 5;
}
