import type { PageSession } from '../../src/report/page-data.ts';
import { el } from '../element.ts';
import { bytes } from './format.ts';
import { section, table } from './table.ts';

/** Where it ran: what one must know before comparing it with anything. */
export function environmentSection({ head, host, targets }: PageSession): HTMLElement {
  const rows: [string, string][] = [
    ['command', head.command.join(' ')],
    ...(head.benchmark.length > 0 ? [['benchmark', head.benchmark.join(' ')] as [string, string]] : []),
    ['session', head.folder],
    ['started', head.startedAt],
    ...Object.entries(head.versions).map(([name, version]): [string, string] => [name, version]),
    ...leaves(host),
  ];
  return section(
    'environment',
    'Environment',
    ...targets.map(({ target, program, pid, port, commandLine, version, buildId }) =>
      table(
        `Server ${target}`,
        ['', ''],
        [
          ['program', version ?? program],
          ['PID', pid],
          ...(port === undefined ? [] : [['port', port]]),
          ['command line', commandLine],
          ...(buildId === undefined ? [] : [['build id', buildId]]),
        ],
      ),
    ),
    table('Host and run', ['', ''], rows),
    el(
      'p',
      { class: 'quiet' },
      `Made by stagewatch ${head.versions['stagewatch'] ?? ''} from the session folder alone.`,
    ),
  );
}

/** Figures of the host by their path: `os kernel`. */
function leaves(value: object, path = ''): [string, string][] {
  return Object.entries(value).flatMap(([key, inner]): [string, string][] => {
    const name = path === '' ? key : `${path} ${key}`;
    if (typeof inner === 'object' && inner !== null) return leaves(inner, name);
    if (typeof inner === 'number' && key.endsWith('Bytes'))
      return [[name.replace(/Bytes$/, ''), bytes(inner)]];
    return [[name, String(inner)]];
  });
}
