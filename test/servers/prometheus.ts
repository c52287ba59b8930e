import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { MissingError } from '../../src/error.ts';
import { debianCodename, openApt } from './apt.ts';
import { serversFolder } from './folder.ts';
import { withLock } from './lock.ts';

const programs = ['promtool', 'prometheus'];

/**
 * Puts Debian's prometheus and promtool, which need no libraries but the system's, into the cache folder.
 * @throws MissingError where the system is not a Debian, or its archive cannot be reached.
 */
export async function fetchPrometheus(onProgress: (line: string) => void = () => {}): Promise<void> {
  const folder = serversFolder();
  const bin = join(folder, 'bin');
  await withLock(join(folder, 'lock'), async () => {
    if (programs.every((name) => existsSync(join(bin, name)))) return;
    const codename = debianCodename();
    if (codename === undefined)
      throw new MissingError(
        'not-debian',
        "Fetching prometheus needs Debian's apt, and this system is not a Debian.",
      );
    onProgress(`fetching prometheus into ${folder}`);
    const scratch = mkdtempSync(join(folder, 'fetch-'));
    const home = join(folder, 'prometheus');
    try {
      const root = join(scratch, 'root');
      const apt = await openApt(join(scratch, 'apt'), [codename]);
      await apt.unpack(['prometheus'], root);
      rmSync(home, { recursive: true, force: true });
      renameSync(root, home);
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
    mkdirSync(bin, { recursive: true });
    for (const name of programs) {
      rmSync(join(bin, name), { force: true });
      symlinkSync(join(home, 'usr/bin', name), join(bin, name));
    }
  });
}
