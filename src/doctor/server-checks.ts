import { basename } from 'node:path';
import { installCommand, refusalOf } from '../perf/capabilities.ts';
import { buildIdOf } from '../target/build-id.ts';
import type { Target } from '../target/contract.ts';
import { identify } from '../target/identify.ts';
import { type Check, failed, type Finding, ok, unknown, warning } from './check.ts';
import { debugSymbolCommand, executableOf, installedDebugFile } from './debug-symbols.ts';
import { readElfSymbols } from './elf-symbols.ts';
import { depthFinding, resolvedFinding } from './stack-findings.ts';
import { sampleStacks, type StackQuality } from './stack-sample.ts';
import { userOf } from './user.ts';

/** Is there a server, and which one? */
export const serverCheck: Check = {
  id: 'server',
  title: 'server',
  group: 'server',
  run: async ({ server, host, isServerNamed }) => {
    if (server.state === 'found') {
      const target = server.targets[0]!;
      const user = await userOf(host, target.pid);
      const port = target.port === undefined ? 'no TCP port' : `port ${target.port}`;
      return ok(`${target.program}, PID ${target.pid}, ${port}, of user ${user?.name ?? 'unknown'}`);
    }
    if (server.state === 'none') {
      const found = `none: expected ${server.lookedFor}`;
      return isServerNamed
        ? failed(found, 'there is nothing to profile', 'start it, or name another one')
        : unknown(
            found,
            'what depends on a server was not looked at',
            'start it, or say which: --server-port, --server-pid, --server-name',
          );
    }
    const [first] = server.candidates;
    const choice = first?.port === undefined ? `--server-pid ${first?.pid}` : `--server-port ${first.port}`;
    return unknown(
      `${server.candidates.length} candidates: ${server.candidates.map(({ pid, port }) => `PID ${pid}${port === undefined ? '' : ` (port ${port})`}`).join(', ')}`,
      'what depends on a server was not looked at',
      `stagewatch doctor ${choice}`,
    );
  },
};

/** What there is to know of a server that was found. */
export function serverChecksOf(target: Target): Check[] {
  let sampling: Promise<StackQuality> | undefined;
  // One sample serves both checks.
  const sample = (): Promise<StackQuality> => (sampling ??= sampleStacks(target));
  const check = (id: string, title: string, run: Check['run']): Check => ({
    id,
    title,
    group: 'server',
    run,
  });
  return [
    check('server-version', 'version', () => versionOf(target)),
    check('server-access', 'access', async ({ perf, host }) => {
      if (perf.state !== 'found')
        return unknown('not tried', 'perf must run to tell', await installCommand(host));
      const refusal = await refusalOf(target);
      if (refusal) return failed('perf may not look into it', refusal.reason, refusal.mend);
      return ok('perf may look into it');
    }),
    check('server-symbols', 'symbols', () => symbolsOf(target)),
    check('server-frames', 'frame names', (env) => sampled(env.perf.state, target, sample, resolvedFinding)),
    check('server-stacks', 'frame pointers', (env) => sampled(env.perf.state, target, sample, depthFinding)),
  ];
}

async function sampled(
  perf: string,
  target: Target,
  sample: () => Promise<StackQuality>,
  judge: (quality: StackQuality) => Finding,
): Promise<Finding> {
  if (perf !== 'found' || (await refusalOf(target)))
    return unknown('not measured', 'perf must be allowed to sample it');
  return judge(await sample());
}

/** Its own word: to start its program, even with --version, is not harmless where another user could have put it. */
async function versionOf(target: Target): Promise<Finding> {
  const { version } = await identify(target);
  return version === undefined
    ? unknown(
        'not told',
        'it gave no INFO within 1 s; a password is read from VALKEYCLI_AUTH or REDISCLI_AUTH',
      )
    : ok(version);
}

async function symbolsOf(target: Target): Promise<Finding> {
  const executable = await executableOf(target.pid);
  const symbols = executable && readElfSymbols(executable.opened);
  if (!executable || !symbols)
    return unknown('cannot be read', `the executable of ${target.pid} is closed to us, or no ELF file`);
  const { path, opened, isElsewhere } = executable;
  const { debugLink } = symbols;
  const buildId = opened.endsWith('/exe') ? buildIdOf(target.pid) : undefined;
  if (symbols.hasSymtab) return ok(`${path} has .symtab`);
  const debugFile = isElsewhere ? undefined : await installedDebugFile(path, { buildId, debugLink });
  if (debugFile !== undefined) return ok(`${path} is stripped; its symbols are in ${debugFile}`);
  const parts = [
    symbols.hasDynsym ? '.dynsym alone' : 'no symbols',
    ...(debugLink === undefined ? [] : [`debuglink ${debugLink}`]),
    ...(buildId === undefined ? [] : [`build id ${buildId}`]),
  ];
  return warning(
    `${path} is stripped: ${parts.join(', ')}`,
    `its own functions appear as [${basename(path)}+0x...]; take a build that is not stripped, or its debug symbols`,
    isElsewhere ? undefined : await debugSymbolCommand(target, path),
  );
}
