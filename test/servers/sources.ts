import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where this system gets its own distribution from. */
export interface ArchiveSource {
  readonly uri: string;
  /** Keyring that signs it; absent where the system's trusted keys do. */
  readonly signedBy?: string;
}

interface SourceEntry extends ArchiveSource {
  readonly suites: readonly string[];
  readonly components: readonly string[];
}

/** Debian's own keys; a fallback for entries that name none. */
const debianKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const rollingSuites = ['stable', 'oldstable', 'testing', 'unstable', 'sid'];

/**
 * The archive that this system is installed from, as its own apt configuration says.
 * @param etcApt `/etc/apt`; only read, never written.
 * @param codename of the running release, `bookworm`.
 */
export function findArchive(etcApt: string, codename: string): ArchiveSource | undefined {
  const fits = readEntries(etcApt).filter(
    ({ suites, components }) =>
      components.includes('main') &&
      suites.some((suite) => suite === codename || rollingSuites.includes(suite)),
  );
  // Third parties name their suites after Debian's too; only Debian's are signed by Debian's keys.
  const entry =
    fits.find(({ signedBy }) => signedBy?.includes('debian-archive')) ??
    fits.find(({ signedBy }) => signedBy === undefined) ??
    fits[0];
  if (!entry) return undefined;
  const signedBy = entry.signedBy ?? (existsSync(debianKeyring) ? debianKeyring : undefined);
  return signedBy === undefined ? { uri: entry.uri } : { uri: entry.uri, signedBy };
}

function readEntries(etcApt: string): SourceEntry[] {
  const folder = join(etcApt, 'sources.list.d');
  const parts = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  return [join(etcApt, 'sources.list'), ...parts.toSorted()]
    .filter((path) => existsSync(path))
    .flatMap((path) => {
      const text = readFileSync(path, 'utf8');
      if (path.endsWith('.sources')) return readDeb822(text);
      return path.endsWith('.list') ? readOneLine(text) : [];
    });
}

/** `deb [signed-by=/key.gpg arch=amd64] http://host/debian bookworm main` */
function readOneLine(text: string): SourceEntry[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)/.exec(line);
    if (!match) return [];
    const [, options = '', uri = '', suite = '', components = ''] = match;
    return [entryOf(uri, [suite], words(components), /signed-by=(\S+)/i.exec(options)?.[1])];
  });
}

function readDeb822(text: string): SourceEntry[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const fields = readFields(stanza);
    if (!words(fields.get('types')).includes('deb') || fields.get('enabled')?.toLowerCase() === 'no')
      return [];
    return words(fields.get('uris')).map((uri) =>
      entryOf(uri, words(fields.get('suites')), words(fields.get('components')), fields.get('signed-by')),
    );
  });
}

function readFields(stanza: string): Map<string, string> {
  const fields = new Map<string, string>();
  let last = '';
  for (const line of stanza.split('\n')) {
    const field = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
    if (field) fields.set((last = field[1]!.toLowerCase()), field[2]!.trim());
    else if (/^\s/.test(line)) fields.set(last, `${fields.get(last) ?? ''} ${line.trim()}`.trim());
  }
  return fields;
}

function entryOf(uri: string, suites: string[], components: string[], signedBy?: string): SourceEntry {
  const entry = { uri, suites, components };
  // A key may stand inline instead of a path.
  return signedBy?.startsWith('/') ? { ...entry, signedBy: words(signedBy)[0]! } : entry;
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}
