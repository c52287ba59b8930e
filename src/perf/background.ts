import { fileURLToPath } from 'node:url';
import { StagewatchError } from '../error.ts';
import type { Host } from '../target/contract.ts';
import { run } from './run.ts';

/**
 * Short programs: V8's compiler was a third of their CPU time, and its threads would be a second processor that is taken
 * from what is measured. Folding 100,000 samples takes 300 ms of CPU without these, 190 with them.
 */
const nodeFlags = ['--single-threaded', '--max-inlined-bytecode-size-cumulative=300'];

/**
 * Runs one of this folder's `*-main` programs as a background child: niced, and stopped while a watched span is open,
 * so that slow work disturbs nothing that is measured. One job in, one answer out, both JSON.
 * @param host this machine. @throws StagewatchError `background-failed` with what the child said.
 */
export async function runInBackground<Answer>(host: Host, program: string, job: object): Promise<Answer> {
  const argv = [process.execPath, ...nodeFlags, programPath(program)];
  const { end, stdout, stderr } = await run(host, argv, { background: true }, JSON.stringify(job));
  if (end.state !== 'exited' || end.exitCode !== 0 || stdout === '') {
    const how = end.state === 'exited' ? `exited with ${end.exitCode}` : end.state;
    const said =
      stderr
        .trim()
        .split('\n')
        .findLast((line) => /error/i.test(line)) ?? stderr.trim();
    throw new StagewatchError('background-failed', `${program} ${how}: ${said}`);
  }
  return JSON.parse(stdout) as Answer;
}

/** Run from source (tests), the compiled programs are in dist/. */
function programPath(program: string): string {
  const compiled = new URL(`./${program}.js`, import.meta.url);
  return fileURLToPath(
    import.meta.url.endsWith('.ts')
      ? new URL(`../../dist/src/perf/${program}.js`, import.meta.url)
      : compiled,
  );
}
