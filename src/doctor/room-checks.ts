import { constants, watch } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { messageOf } from '../error.ts';
import { type Check, failed, ok, warning } from './check.ts';
import { readNumber } from './environment.ts';

/** A busy hour at 999 Hz and four threads is about this much, and collecting needs as much again. */
const wantedBytes = 2 * 1024 ** 3;
/** A short session's. */
const leastBytes = 10 * 1024 ** 2;

const disk: Check = {
  id: 'disk-room',
  title: 'disk room',
  group: 'limits',
  run: async ({ outputDir }) => {
    const folder = await nearestFolder(resolve(outputDir));
    try {
      await access(folder, constants.W_OK | constants.X_OK);
    } catch {
      return failed(
        `${folder} cannot be written`,
        'no session can be made there, and every hook writes into one',
        'choose another folder: --output-dir DIR',
      );
    }
    const { bavail, bsize } = await statfs(folder);
    const freeBytes = bavail * bsize;
    const found = `${(freeBytes / 1024 ** 3).toFixed(1)} GiB free in ${folder}`;
    if (freeBytes < leastBytes)
      return failed(found, 'there is no room for a session', 'choose another disk: --output-dir DIR');
    return freeBytes >= wantedBytes
      ? ok(found)
      : warning(found, 'long sessions record gigabytes', 'choose another disk: --output-dir DIR');
  },
};

/** Limits are shared by all programs of a user, so that only a try tells what is left of them. */
const inotify: Check = {
  id: 'inotify',
  title: 'inotify',
  group: 'limits',
  run: async ({ host }) => {
    const [instances, watches] = await Promise.all(
      ['max_user_instances', 'max_user_watches'].map((name) =>
        readNumber(host, `/proc/sys/fs/inotify/${name}`),
      ),
    );
    const found = `${instances ?? 'unknown'} instances, ${watches ?? 'unknown'} watches a user`;
    try {
      watch('/').close();
      return ok(found);
    } catch (error) {
      const isWatches = (error as NodeJS.ErrnoException).code === 'ENOSPC';
      const name = isWatches ? 'max_user_watches' : 'max_user_instances';
      return warning(
        `${found}; none is left`,
        `followed files are looked at by a timer instead: ${messageOf(error)}`,
        `sysctl fs.inotify.${name}=${4 * ((isWatches ? watches : instances) ?? 1_024)}`,
      );
    }
  },
};

export const roomChecks: readonly Check[] = [disk, inotify];

/** The folder itself, or the nearest one above that is there. */
async function nearestFolder(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    const exists = await access(folder).then(
      () => true,
      () => false,
    );
    if (exists || folder === dirname(folder)) return folder;
  }
}
