import { moveThread, threadOf, threadsOf } from '../experiment/affinity.ts';
import { checkSettingName, isKept } from '../experiment/setting-value.ts';
import { messageOf } from '../error.ts';
import { Children } from '../restore/children.ts';
import type { OpenChange } from '../restore/open-changes.ts';
import { LocalHost } from '../target/local-host.ts';
import { ControlClient, type ServerAddress } from '../valkey/client.ts';

/** A smaller maxmemory evicts before it answers, ms. */
const setTimeoutMs = 60_000;
/** Keys that SCAN looks at each time. */
const scanCount = 1_000;
/** USER_HZ is 100 on all that Node runs on. */
const nsPerTick = 1e7;
/** What an experiment's own keys begin with; nothing else is ever removed. */
const ownPrefix = /^stagewatch:[a-z-]+:[0-9a-f]{8}:$/;

export type PutBack =
  /** It is as it was; `now` is what it was found at. */
  | { readonly state: 'restored'; readonly now: string }
  /** It was as before already, or what was changed is gone. */
  | { readonly state: 'nothing-to-do'; readonly reason: string }
  /** Somebody else changed it since, or only they can: left as it is. */
  | { readonly state: 'left'; readonly reason: string }
  | { readonly state: 'failed'; readonly reason: string };

/**
 * Makes one thing that a session changed what it was before, if it still is as the session left it.
 * @param isSameBoot whether threads can be those of the journal.
 * @param dryRun only looks.
 */
export async function putBack(
  change: OpenChange,
  address: ServerAddress | undefined,
  { isSameBoot, dryRun }: { readonly isSameBoot: boolean; readonly dryRun: boolean },
): Promise<PutBack> {
  const [kind, name] = split(change.setting);
  try {
    if (kind === 'affinity')
      return isSameBoot ? await putThreadBack(change, dryRun) : gone('the machine was started again');
    if (address === undefined) return { state: 'failed', reason: 'its journal does not say on which server' };
    await using client = new ControlClient(address);
    if (kind === 'config') return await putSettingBack(client, name, change, dryRun);
    if (kind === 'keys') return await removeKeys(client, name, dryRun);
    return { state: 'failed', reason: 'it is nothing that this version knows' };
  } catch (error) {
    return { state: 'failed', reason: messageOf(error) };
  }
}

async function putSettingBack(
  client: ControlClient,
  name: string,
  { from, tos, command }: OpenChange,
  dryRun: boolean,
): Promise<PutBack> {
  checkSettingName(name);
  const present = async (): Promise<string> => {
    const [answer] = await client.ask([['CONFIG', 'GET', name]]);
    if (answer?.state === 'refused') throw answer.error;
    return String(Array.isArray(answer?.reply) ? answer.reply[1] : '');
  };
  const now = await present();
  if (isKept(from, now)) return gone(`it is ${from}`);
  if (!tos.some((to) => isKept(to, now)))
    return { state: 'left', reason: `it is ${now} now, which is neither ours nor as before (${from})` };
  // A command that stands in a file is not run: whoever can write that file could run anything.
  if (command !== undefined)
    return {
      state: 'left',
      reason: `it is ${now} and was ${from}; the server takes it at its start only, and was restarted with: ${command.join(' ')}`,
    };
  if (dryRun) return { state: 'restored', now };
  const [answer] = await client.ask([['CONFIG', 'SET', name, from]], setTimeoutMs);
  if (answer?.state === 'refused') throw answer.error;
  const after = await present();
  return isKept(from, after)
    ? { state: 'restored', now }
    : { state: 'failed', reason: `it is still ${after} after CONFIG SET` };
}

async function removeKeys(client: ControlClient, prefix: string, dryRun: boolean): Promise<PutBack> {
  if (!ownPrefix.test(prefix)) return { state: 'left', reason: 'it is no prefix of ours' };
  let cursor = '0';
  let removed = 0;
  do {
    const [answer] = await client.ask([['SCAN', cursor, 'MATCH', `${prefix}*`, 'COUNT', String(scanCount)]]);
    if (answer?.state !== 'answered') throw answer?.error ?? new Error('no reply to SCAN');
    const [next, keys] = answer.reply as readonly [string, readonly string[]];
    cursor = next;
    const ours = keys.filter((key) => key.startsWith(prefix));
    removed += ours.length;
    if (ours.length === 0 || dryRun) continue;
    const [unlinked] = await client.ask([['UNLINK', ...ours]], setTimeoutMs);
    if (unlinked?.state === 'refused') throw unlinked.error;
  } while (cursor !== '0');
  return removed === 0 ? gone('there are none') : { state: 'restored', now: `${removed} keys` };
}

async function putThreadBack(
  { thread, from, tos, changedNs }: OpenChange,
  dryRun: boolean,
): Promise<PutBack> {
  if (thread === undefined) return { state: 'failed', reason: 'its journal does not say of which process' };
  const { tid, pid, startTicks } = thread;
  const found = threadOf(pid, tid);
  if (found?.startTicks !== startTicks) return gone('that thread has ended');
  if (found.cpus === from) return gone(`it runs on the CPUs ${from}`);
  if (!tos.includes(found.cpus))
    return { state: 'left', reason: `it was moved to the CPUs ${found.cpus} by somebody else` };
  if (dryRun) return { state: 'restored', now: found.cpus };
  await using children = new Children();
  const host = new LocalHost(children);
  await moveThread(host, tid, from, 'one');
  // Threads that it started since then inherited our place; those of before have one of their own in the journal.
  if (tid === pid)
    for (const born of threadsOf(pid))
      if (born.startTicks * nsPerTick > changedNs && born.cpus === found.cpus)
        await moveThread(host, born.tid, from, 'one');
  const now = threadOf(pid, tid)?.cpus ?? from;
  return now === from
    ? { state: 'restored', now: found.cpus }
    : { state: 'failed', reason: `it still runs on ${now}` };
}

const gone = (reason: string): PutBack => ({ state: 'nothing-to-do', reason });

/** `config:io-threads`: what kind of thing, and which. */
function split(setting: string): readonly [kind: string, name: string] {
  const colon = setting.indexOf(':');
  return [setting.slice(0, colon), setting.slice(colon + 1)];
}
