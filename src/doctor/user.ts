import type { Host } from '../target/contract.ts';

/** linux/capability.h */
const capabilityBits = {
  ipc_lock: 14,
  sys_ptrace: 19,
  sys_admin: 21,
  sys_resource: 24,
  syslog: 34,
  perfmon: 38,
} as const;
export type Capability = keyof typeof capabilityBits;

export interface User {
  readonly uid: number;
  /** `nobody`; the number where it has no name. */
  readonly name: string;
  /** Whether it is in the effective set. */
  holds(capability: Capability): boolean;
}

/** Who stagewatch runs as. */
export async function whoAmI(host: Host): Promise<User> {
  const status = await host.readFile('/proc/self/status').catch(() => '');
  const uid = effectiveUid(status) ?? process.geteuid?.() ?? 0;
  const effective = BigInt(`0x${/^CapEff:\s+([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
  return {
    uid,
    name: await nameOfUser(host, uid),
    holds: (capability) => ((effective >> BigInt(capabilityBits[capability])) & 1n) === 1n,
  };
}

/** The user that a process runs as; undefined when it is gone. */
export async function userOf(host: Host, pid: number): Promise<{ uid: number; name: string } | undefined> {
  const uid = effectiveUid(await host.readFile(`/proc/${pid}/status`).catch(() => ''));
  return uid === undefined ? undefined : { uid, name: await nameOfUser(host, uid) };
}

function effectiveUid(status: string): number | undefined {
  const uid = /^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1];
  return uid === undefined ? undefined : Number(uid);
}

async function nameOfUser(host: Host, uid: number): Promise<string> {
  const passwd = await host.readFile('/etc/passwd').catch(() => '');
  const line = passwd.split('\n').find((entry) => entry.split(':')[2] === String(uid));
  return line?.split(':')[0] ?? String(uid);
}
