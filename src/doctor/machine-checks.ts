import { readSettings } from '../target/inventory.ts';
import { type Check, ok, warning } from './check.ts';
import { readNumber } from './environment.ts';

/** Read without a system call; all others cost a server some hundred ns more for each look at the time. */
const fastClocks = ['tsc', 'kvm-clock', 'arch_sys_counter', 'hyperv_clocksource_tsc_page'];

const clockSource: Check = {
  id: 'clock-source',
  title: 'clock source',
  group: 'machine',
  run: async ({ host }) => {
    const { clockSource } = await readSettings();
    if (clockSource === undefined || fastClocks.includes(clockSource)) return ok(clockSource ?? 'not shown');
    const folder = '/sys/devices/system/clocksource/clocksource0';
    const others = (await host.readFile(`${folder}/available_clocksource`).catch(() => '')).trim().split(' ');
    const better = fastClocks.find((name) => others.includes(name));
    return warning(
      clockSource,
      'a server that looks at the time waits for the kernel, and latencies with it',
      better && `echo ${better} > ${folder}/current_clocksource`,
    );
  },
};

const governor: Check = {
  id: 'cpu-governor',
  title: 'CPU governor',
  group: 'machine',
  run: async () => {
    const { governors = [] } = await readSettings();
    if (governors.length === 0) return ok('none here: the machine below decides');
    const found = governors.join(', ');
    return found === 'performance'
      ? ok(found)
      : warning(
          found,
          'the clock rate follows the load: runs differ from each other',
          'cpupower frequency-set -g performance',
        );
  },
};

const hugePages: Check = {
  id: 'transparent-hugepages',
  title: 'huge pages',
  group: 'machine',
  run: async () => {
    const { transparentHugepages } = await readSettings();
    return transparentHugepages === 'always'
      ? warning(
          'always',
          'copies of huge pages during a save, and their making, show as latency',
          'echo madvise > /sys/kernel/mm/transparent_hugepage/enabled',
        )
      : ok(transparentHugepages ?? 'none in this kernel');
  },
};

const swap: Check = {
  id: 'swap',
  title: 'swap',
  group: 'machine',
  run: async ({ host, server }) => {
    const areas = (await host.readFile('/proc/swaps').catch(() => '')).trim().split('\n').slice(1);
    const target = server.state === 'found' ? server.targets[0] : undefined;
    const status = target && (await host.readFile(`/proc/${target.pid}/status`).catch(() => ''));
    const swappedKib = Number(/^VmSwap:\s+(\d+) kB/m.exec(status ?? '')?.[1] ?? 0);
    if (target && swappedKib > 0)
      return warning(
        `${swappedKib} KiB of ${target.program} are swapped out`,
        'it waits for the disk when it touches them',
        'swapoff -a && swapon -a',
      );
    return ok(areas.length === 0 ? 'none' : `${areas.length} in use, none of it by the server`);
  },
};

const addressLayout: Check = {
  id: 'aslr',
  title: 'address layout',
  group: 'machine',
  run: async ({ host }) => {
    const level = await readNumber(host, '/proc/sys/kernel/randomize_va_space');
    if (level === undefined || level === 0) return ok(level === 0 ? 'fixed' : 'not shown');
    return ok('random: runs of a restarted server may differ by some per cent, names of frames do not');
  },
};

export const machineChecks: readonly Check[] = [clockSource, governor, hugePages, swap, addressLayout];
