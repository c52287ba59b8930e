import type { Host } from './contract.ts';
import { LocalTarget } from './local-target.ts';
import { type LocalProcess, listPids, readProcess } from './process.ts';
import { redactArgv } from './redact.ts';
import { type ServerProcess, defaultServerNames, findServers, programOf } from './server-process.ts';
import { listeningOf, whoListensOn } from './sockets.ts';

/** Which server is meant. */
export type TargetQuery =
  | { readonly by: 'pid'; readonly pid: number }
  /** All of them. */
  | { readonly by: 'pids'; readonly pids: readonly number[] }
  /** TCP, on this machine. */
  | { readonly by: 'port'; readonly port: number }
  /** Base names of programs; those of Valkey, Redis and the embedded server without. */
  | { readonly by: 'name'; readonly names?: readonly string[] };

/** One of several servers that may be meant. */
export interface Candidate {
  readonly pid: number;
  readonly port?: number;
  /** Secrets removed. */
  readonly commandLine: string;
}

export type FindResult =
  | { readonly state: 'found'; readonly targets: readonly LocalTarget[] }
  | { readonly state: 'none'; readonly lookedFor: string }
  | { readonly state: 'ambiguous'; readonly lookedFor: string; readonly candidates: readonly Candidate[] };

export interface FindOptions {
  /** All that match, instead of exactly one. */
  readonly all?: boolean;
}

/** Finds server processes of this machine; blocks for some milliseconds. @param host theirs. */
export function findTargets(query: TargetQuery, host: Host, options: FindOptions = {}): FindResult {
  const servers = serversOf(query);
  const lookedFor = describeQuery(query);
  if (servers.length === 0) return { state: 'none', lookedFor };
  if (servers.length > 1 && !options.all && query.by !== 'pids')
    return { state: 'ambiguous', lookedFor, candidates: servers.map((server) => candidateOf(server)) };
  return {
    state: 'found',
    targets: servers.map((server, index) => targetOf(server, host, servers.slice(0, index))),
  };
}

/** `a process that listens on TCP port 6379`: what a message says. */
export function describeQuery(query: TargetQuery): string {
  if (query.by === 'pid') return `a process with PID ${query.pid}`;
  if (query.by === 'pids') return `processes with the PIDs ${query.pids.join(', ')}`;
  if (query.by === 'port') return `a process that listens on TCP port ${query.port}`;
  return `a process named ${(query.names ?? defaultServerNames).join(' or ')}`;
}

function serversOf(query: TargetQuery): ServerProcess[] {
  if (query.by === 'name') return findServers(readAll(listPids()), query.names ?? defaultServerNames);
  if (query.by === 'pid') return readAll([query.pid]).map(withListening);
  if (query.by === 'pids') return readAll(query.pids).map(withListening);
  // Servers first: to look through the descriptors of all processes takes longer.
  const pids = listPids();
  const likely = findServers(readAll(pids), defaultServerNames)
    .filter(({ listening }) => listening.ports.includes(query.port))
    .map(({ pid }) => pid);
  const listeners = readAll(likely.length > 0 ? likely : whoListensOn(query.port, pids));
  // Several share a socket after a fork: it is the parent's.
  const parents = listeners.filter(({ stat }) => !listeners.some(({ pid }) => pid === stat.ppid));
  return parents
    .toSorted((a, b) => a.pid - b.pid)
    .slice(0, 1)
    .map(withListening)
    .map((server) => ({ ...server, listening: { ...server.listening, ports: [query.port] } }));
}

function readAll(pids: readonly number[]): LocalProcess[] {
  return pids.map((pid) => readProcess(pid)).filter((found) => found !== undefined);
}

function withListening(found: LocalProcess): ServerProcess {
  return { ...found, program: programOf(found), listening: listeningOf(found) };
}

function candidateOf({ pid, argv, listening }: ServerProcess): Candidate {
  const [port] = listening.ports;
  return { pid, ...(port === undefined ? {} : { port }), commandLine: redactArgv(argv).join(' ') };
}

/** @param before servers that have their names already: in containers, several may have one port number. */
function targetOf(server: ServerProcess, host: Host, before: readonly ServerProcess[]): LocalTarget {
  const candidate = candidateOf(server);
  const isTaken = before.some(({ listening }) => listening.ports[0] === candidate.port);
  const place = candidate.port === undefined || isTaken ? `pid${server.pid}` : String(candidate.port);
  return new LocalTarget(host, {
    ...candidate,
    id: `${host.name}-${place}`,
    program: server.program,
    startTicks: server.stat.startTicks,
  });
}
