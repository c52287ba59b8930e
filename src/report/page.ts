import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { pageHtml } from '../perf/page-html.ts';
import type { PageData } from './page-data.ts';
import { toPageSession, type PageRoom } from './page-session.ts';
import { readReport } from './read-report.ts';

export interface PageOptions {
  /** Bytes that the profiles of all spans may take; what is beyond stays in the session folder. 2 MB by default. */
  readonly detailBytes?: number;
}

const DETAIL_BYTES = 2_000_000;

/** What the timeline draws, of all that was sampled. */
const drawn =
  /^(?:cpu\.total\.|cpu\.cores\.\d+\.idlePercent$|memory\.availableBytes$|network\.(?:total|interfaces\.lo)\.[rt]xBytesPerSecond$|disks\.|process\.|server\.|pools?\.|threads\.|pressure\..*Percent$)/;

/** Is it drawn on the timeline? */
export function drawnSeries(name: string): boolean {
  return drawn.test(name);
}

/** Bundled browser code of a page: `report`, `live`. */
export function readPageScript(name: string): Promise<string> {
  return readFile(fileURLToPath(new URL(`../../web/${name}.js`, import.meta.url)), 'utf8');
}

/** report.html: one file that opens from disk, with nothing fetched. @throws {UsageError} as `readReport`. */
export async function reportPage(
  folders: readonly string[],
  script: string,
  options: PageOptions = {},
): Promise<string> {
  const room: PageRoom = { bytes: options.detailBytes ?? DETAIL_BYTES };
  const sessions: PageData['sessions'][number][] = [];
  for (const folder of folders)
    sessions.push(await toPageSession(await readReport(folder, drawnSeries), room));
  return pageHtml({
    title: `${sessions.map(({ head }) => head.label).join(', ')} - stagewatch`,
    noscript: 'This report needs JavaScript; stagewatch show SESSION shows the same as text.',
    data: { version: 1, sessions } satisfies PageData,
    script,
  });
}
