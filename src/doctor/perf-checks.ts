import { chooseEvent, fallbackEvent } from '../perf/capabilities.ts';
import { maximumFrequency } from '../perf/record.ts';
import { type Check, failed, ok, unknown, warning } from './check.ts';
import { readNumber } from './environment.ts';

/** What perf-record samples by default, Hz. */
const wantedHz = 999;

const installed: Check = {
  id: 'perf',
  title: 'perf',
  group: 'perf',
  run: async ({ perf, host }) => {
    if (perf.state !== 'found') return failed(perf.state, perf.reason, perf.mend);
    const kernel = await host.readFile('/proc/sys/kernel/osrelease').then((text) => text.trim());
    const versions = `${perf.version} at ${perf.path}, kernel ${kernel}`;
    return release(perf.version) === release(kernel)
      ? ok(versions)
      : ok(`${versions}: other than perf's own, which works`);
  },
};

const hardwareEvents: Check = {
  id: 'hardware-events',
  title: 'hardware events',
  group: 'perf',
  run: async ({ perf, host, sees }) => {
    if (perf.state !== 'found' || !sees.user) return unknown('not tried', 'perf must run to tell; see above');
    if ((await chooseEvent(host, 'cycles')) === 'cycles') return ok('cycles can be counted');
    const isVirtual = /^flags.*\bhypervisor\b/m.test(await host.readFile('/proc/cpuinfo').catch(() => ''));
    return warning(
      `cycles cannot be counted${isVirtual ? ' in this virtual machine' : ''}`,
      `samples are taken by a timer (${fallbackEvent}): stacks are as good, but perf-stat has no cycles, caches or branches`,
      isVirtual ? 'on the machine below: qemu -cpu host,pmu=on' : undefined,
    );
  },
};

const nmiWatchdog: Check = {
  id: 'nmi-watchdog',
  title: 'NMI watchdog',
  group: 'perf',
  run: async ({ host }) => {
    const on = await readNumber(host, '/proc/sys/kernel/nmi_watchdog');
    return on === 1
      ? warning(
          'on',
          'it keeps one hardware counter of each CPU, so that perf-stat has to share the others out',
          'sysctl kernel.nmi_watchdog=0',
        )
      : ok(on === undefined ? 'none in this kernel' : 'off');
  },
};

const sampleRate: Check = {
  id: 'sample-rate',
  title: 'sample rate',
  group: 'perf',
  run: async ({ host }) => {
    const limitHz = await maximumFrequency(host);
    if (limitHz === Number.POSITIVE_INFINITY) return ok('no limit is shown');
    return limitHz >= wantedHz
      ? ok(`up to ${limitHz} Hz`)
      : warning(
          `up to ${limitHz} Hz`,
          `perf-record wants ${wantedHz} Hz; the kernel lowers this limit by itself when sampling took too long`,
          'sysctl kernel.perf_event_max_sample_rate=100000',
        );
  },
};

export const perfChecks: readonly Check[] = [installed, hardwareEvents, nmiWatchdog, sampleRate];

/** `6.1` of `6.1.187`. */
function release(version: string): string {
  return version.split('.', 2).join('.');
}
