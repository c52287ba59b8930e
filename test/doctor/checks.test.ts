import { afterAll, expect, test } from 'vitest';
import { type Check, groups } from '../../src/doctor/check.ts';
import { debugSymbolCommand } from '../../src/doctor/debug-symbols.ts';
import { type DoctorEnvironment, readEnvironment } from '../../src/doctor/environment.ts';
import { checksFor, examine } from '../../src/doctor/examine.ts';
import { limitChecks } from '../../src/doctor/limit-checks.ts';
import { perfChecks } from '../../src/doctor/perf-checks.ts';
import { rightChecks, setcapCommand } from '../../src/doctor/right-checks.ts';
import { roomChecks } from '../../src/doctor/room-checks.ts';
import { whoAmI } from '../../src/doctor/user.ts';
import { Children } from '../../src/restore/children.ts';
import { LocalHost } from '../../src/target/local-host.ts';
import { locate } from '../servers/locate.ts';

const children = new Children();
afterAll(() => children[Symbol.asyncDispose]());

/** This machine, with some of its files saying something else. */
class HostWhere extends LocalHost {
  readonly #files: Readonly<Record<string, string>>;

  constructor(files: Readonly<Record<string, string>>) {
    super(children);
    this.#files = files;
  }

  override readFile(path: string): Promise<string> {
    const text = this.#files[path];
    return text === undefined ? super.readFile(path) : Promise.resolve(text);
  }
}

const kernel = '/proc/sys/kernel';
const unprivileged = 'Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000000000\n';

/** An unprivileged user's, where perf sees user space alone. */
async function environment(
  files: Readonly<Record<string, string>>,
  sees: DoctorEnvironment['sees'] = { user: true, kernel: false },
): Promise<DoctorEnvironment> {
  const host = new HostWhere({ '/proc/self/status': unprivileged, ...files });
  return {
    host,
    server: { state: 'none', lookedFor: 'a server' },
    isServerNamed: false,
    outputDir: '/tmp',
    user: await whoAmI(host),
    perf: { state: 'found', version: '6.1.1', path: '/usr/bin/perf' },
    sees,
  };
}

const check = (checks: readonly Check[], id: string): Check => checks.find((each) => each.id === id)!;

test.each([
  ['3', { user: false, kernel: false }, 'failed', '3', 'sysctl kernel.perf_event_paranoid=1'],
  ['2', { user: true, kernel: false }, 'warning', '2', 'sysctl kernel.perf_event_paranoid=1'],
  ['2', { user: true, kernel: true }, 'ok', '2, which does not bind us', undefined],
  ['1', { user: true, kernel: true }, 'ok', '1', undefined],
  [
    '1',
    { user: false, kernel: false },
    'failed',
    '1, and yet perf is refused',
    'start the container with --cap-add PERFMON --cap-add SYS_PTRACE',
  ],
] as const)('perf_event_paranoid %s, where perf sees %j, is %s', async (level, sees, state, found, mend) => {
  const env = await environment({ [`${kernel}/perf_event_paranoid`]: `${level}\n` }, sees);
  const finding = await check(rightChecks, 'perf-event-paranoid').run(env);
  expect(finding).toMatchObject({ state, found });
  expect('mend' in finding ? finding.mend : undefined).toBe(mend);
});

test('the NMI watchdog, Yama and a lowered sample rate', async () => {
  const env = await environment({
    [`${kernel}/nmi_watchdog`]: '1\n',
    [`${kernel}/yama/ptrace_scope`]: '1\n',
    [`${kernel}/perf_event_max_sample_rate`]: '250\n',
  });
  expect(await check(perfChecks, 'nmi-watchdog').run(env)).toMatchObject({
    state: 'warning',
    mend: 'sysctl kernel.nmi_watchdog=0',
  });
  expect(await check(rightChecks, 'ptrace-scope').run(env)).toMatchObject({
    state: 'ok',
    found: expect.stringMatching(/not perf/) as string,
  });
  expect(await check(perfChecks, 'sample-rate').run(env)).toMatchObject({
    state: 'warning',
    found: 'up to 250 Hz',
    mend: 'sysctl kernel.perf_event_max_sample_rate=100000',
  });
});

test('locked memory: what two buffers on all CPUs need is compared with what is allowed, and the mend suffices', async () => {
  const stat = Array.from({ length: 64 }, (_, cpu) => `cpu${cpu} 1 2 3`).join('\n');
  const limits = (memlock: string): Record<string, string> => ({
    '/proc/stat': `cpu  1 2 3\n${stat}\n`,
    '/proc/self/limits': `Max locked memory         ${memlock}              ${memlock}              bytes     \n`,
  });
  const locked = check(limitChecks, 'locked-memory');
  const tight = await environment({ ...limits('8388608'), [`${kernel}/perf_event_mlock_kb`]: '516\n' });
  const finding = await locked.run(tight);
  expect(finding).toMatchObject({
    state: 'warning',
    found: 'perf_event_mlock_kb 516 a CPU, RLIMIT_MEMLOCK 8192 KiB',
  });
  const mended = /^sysctl kernel\.perf_event_mlock_kb=(\d+)$/.exec(
    'mend' in finding ? finding.mend! : '',
  )![1]!;
  const enough = await environment({
    ...limits('8388608'),
    [`${kernel}/perf_event_mlock_kb`]: `${mended}\n`,
  });
  expect(await locked.run(enough)).toMatchObject({ state: 'ok' });
  expect(await locked.run(await environment(limits('unlimited')))).toMatchObject({ state: 'ok' });
  const root = await environment({
    ...limits('0'),
    '/proc/self/status': 'Uid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\n',
  });
  expect(await locked.run(root)).toMatchObject({
    state: 'ok',
    found: expect.stringMatching(/neither binds us/) as string,
  });
});

test('a folder without room is a failure; one that is not there yet is looked at above', async () => {
  const disk = check(roomChecks, 'disk-room');
  const env = await environment({});
  // procfs has no blocks at all.
  expect(await disk.run({ ...env, outputDir: '/proc/nowhere/at/all' })).toMatchObject({
    state: 'failed',
    mend: 'choose another disk: --output-dir DIR',
  });
  expect(await disk.run({ ...env, outputDir: '/tmp/not/there/yet' })).toMatchObject({
    found: expect.stringMatching(/GiB free in \/tmp$/) as string,
  });
});

test('the setcap command can be pasted, whatever the path', () => {
  expect(setcapCommand('/usr/bin/perf')).toMatch(/^setcap cap_perfmon,\S+ \/usr\/bin\/perf$/);
  expect(setcapCommand('/opt/my tools/perf')).toMatch(/ '\/opt\/my tools\/perf'$/);
});

test('the package of debug symbols is told by the package manager', async (context) => {
  context.skip(locate('dpkg') === undefined, 'no dpkg');
  const host = new LocalHost(children);
  expect(await debugSymbolCommand(host, '/usr/bin/dpkg')).toBe('apt-get install dpkg-dbgsym');
  expect(await debugSymbolCommand(host, '/no/such/file')).toBeUndefined();
});

test('ids are unique, groups are known, and a check that throws is unknown, not the end', async () => {
  const host = new LocalHost(children);
  const env = await readEnvironment({
    host,
    query: { by: 'pid', pid: process.pid },
    isServerNamed: false,
    outputDir: '/tmp',
  });
  const checks = await checksFor(env);
  expect(new Set(checks.map(({ id }) => id)).size).toBe(checks.length);
  expect([...new Set(checks.map(({ group }) => group))]).toEqual([...groups]);

  const broken: Check = {
    id: 'broken',
    title: 'broken',
    group: 'perf',
    run: () => Promise.reject(new Error('no disk')),
  };
  const after: Check = { ...broken, id: 'after', run: () => Promise.resolve({ state: 'ok', found: 'fine' }) };
  const examined = await examine(env, [broken, after], new AbortController().signal);
  expect(examined).toMatchObject([
    { id: 'broken', state: 'unknown', found: 'cannot be told', means: 'no disk' },
    { id: 'after', state: 'ok' },
  ]);
  await expect(examine(env, [after], AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
});
