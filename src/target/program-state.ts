import type { Host } from './contract.ts';

/** The words are arguments: nothing of a user's gets into the script. */
const script = `case $1 in
  */*) [ -e "$1" ] || exit 1; [ -f "$1" ] && [ -x "$1" ] || exit 2 ;;
  *) command -v -- "$1" ;;
esac >/dev/null 2>&1 || exit 1`;

/** Whether a host can start a program: a path, or a name that is looked for on its PATH. */
export async function programState(
  host: Host,
  program: string,
): Promise<'missing' | 'not-executable' | 'executable'> {
  const end = await host.spawn(['/bin/sh', '-c', script, 'sh', program]).ended;
  if (end.state !== 'exited') return 'missing';
  return end.exitCode === 0 ? 'executable' : end.exitCode === 2 ? 'not-executable' : 'missing';
}
