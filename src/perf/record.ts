import { setTimeout as sleep } from 'node:timers/promises';
import { StagewatchError } from '../error.ts';
import type { Child, Host, Target } from '../target/contract.ts';
import { isDummy, refusalOf } from './capabilities.ts';
import { ControlChannel } from './control.ts';
import { perfEnvironment } from './run.ts';
import { isOutOfBuffer, switchBuffersKib } from './switch-buffer.ts';

export type CallGraph = 'fp' | 'dwarf' | 'lbr';

/**
 * What perf looks at. `process`: the threads of the target; each has a sampling period of its own, so that one that
 * lives shorter than a period is never seen. `system`: all CPUs, where a period goes on whatever runs; needs the right
 * to see all processes.
 */
export type RecordScope = 'process' | 'system';

export interface RecordOptions {
  readonly event: string;
  /** Hz; `every`: each event is a sample. */
  readonly frequency: number | 'every';
  /** Also records when threads leave a CPU and when they return to one. */
  readonly switches?: true;
  readonly callGraph: CallGraph;
  /** Default `process`. */
  readonly scope?: RecordScope;
  /** Where perf writes, on the target's host. */
  readonly file: string;
}

const armTimeoutMs = 10_000;
const noBufferMend = 'stagewatch doctor says how much is missing, and how to allow it';
const keptStderr = 8 * 1024;
/**
 * perf writes when half of its buffer is full, which may take a minute, and when its control pipe breaks it does not
 * write at all: when we are killed, no more than this is lost.
 */
const flushEveryMs = 50;

/** A running `perf record` of one process that captures only between enable() and disable(). */
export class ArmedRecord implements AsyncDisposable {
  readonly options: RecordOptions;
  /** As perf really records it: `cpu-clock` where the machine has no cycles, `cpu-clock:u` without the right to the kernel. */
  readonly event: string;
  /** Settles when perf ended though nobody asked: code `target-exited`, or `perf-exited` with perf's last words. */
  readonly failed: Promise<StagewatchError>;
  readonly #child: Child;
  readonly #control: ControlChannel;
  readonly #ending: { asked: boolean };
  /** Several where a machine has two kinds of cores: then all are switched at once, and perf's dummy with them. */
  readonly #switched: string | undefined;
  #flushing: NodeJS.Timeout | undefined;

  private constructor(
    options: RecordOptions,
    events: readonly string[],
    failed: Promise<StagewatchError>,
    child: Child,
    control: ControlChannel,
    ending: { asked: boolean },
  ) {
    this.options = options;
    this.event = events.join(',');
    this.#switched = events.length === 1 && !options.switches ? events[0] : undefined;
    this.failed = failed;
    this.#child = child;
    this.#control = control;
    this.#ending = ending;
  }

  /**
   * Starts perf and waits until it is really attached. @throws StagewatchError `perf-refused`, `target-exited`,
   * `perf-no-buffer` or `perf-exited`, with what perf said; `perf-no-ack` after 10 s.
   */
  static async arm(target: Target, options: RecordOptions): Promise<ArmedRecord> {
    if (!options.switches) return ArmedRecord.#arm(target, options);
    const [best, ...smaller] = await switchBuffersKib(target);
    let armed = ArmedRecord.#arm(target, options, best);
    for (const kib of smaller)
      armed = armed.catch((error: unknown) => {
        if (isOutOfBuffer(error)) return ArmedRecord.#arm(target, options, kib);
        throw error;
      });
    return armed;
  }

  static async #arm(target: Target, options: RecordOptions, bufferKib?: number): Promise<ArmedRecord> {
    const child = target.spawn(recordCommand(target.pid, options, bufferKib), {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
      endSignal: 'SIGINT',
      env: perfEnvironment,
    });
    const said = tailOf(child);
    const ending = { asked: false };
    const failed = failureOf(target, child, said, ending);
    const [, , , commands, acks] = child.stdio;
    if (!commands || !acks || !('write' in commands) || !('read' in acks))
      throw await endedByItself(target, child, said());
    const control = new ControlChannel(commands, acks);
    try {
      await control.ping(armTimeoutMs);
      const real = (await askEvents(control, said)).filter((name) => !isDummy(name));
      const events = real.length > 0 ? real : [options.event];
      const record = new ArmedRecord(options, events, failed, child, control, ending);
      // Mappings and forks must also be known from between the spans, or a child forked there has no symbols. perf
      // carries them in a dummy event that only an `enable` of all switches on, and no `disable` by name off.
      // That event carries the switches of threads too, which are wanted within spans alone.
      if (!options.switches) {
        // In one write: a busy machine would leave it enabled for some milliseconds between two.
        await control.send(
          `enable\n${record.#switched === undefined ? 'disable' : `disable ${record.#switched}`}\n`,
        );
      }
      return record;
    } catch (error) {
      if (error instanceof StagewatchError && error.code === 'perf-ended') throw await failed;
      ending.asked = true;
      await child.end();
      throw error;
    }
  }

  async enable(): Promise<void> {
    await this.#control.enable(this.#switched);
    this.#flushing ??= setInterval(() => this.#flush(), flushEveryMs).unref();
  }

  async disable(): Promise<void> {
    this.#stopFlushing();
    await this.#control.disable(this.#switched);
  }

  /** Any command makes perf write out what it has. */
  #flush(): void {
    this.#control.ping().catch(() => this.#stopFlushing()); // that perf has ended is told by `failed`
  }

  #stopFlushing(): void {
    clearInterval(this.#flushing);
    this.#flushing = undefined;
  }

  /** Ends perf. The file is whole when it resolves, unless perf had to be killed (then repair it). */
  async end(): Promise<void> {
    this.#stopFlushing();
    this.#ending.asked = true;
    await this.#child.end(armTimeoutMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}

/** The argument list of an armed `perf record`. @param bufferKib of each CPU; absent: perf's own choice. */
export function recordCommand(pid: number, options: RecordOptions, bufferKib?: number): string[] {
  const { event, frequency, callGraph, file, switches, scope } = options;
  const often = frequency === 'every' ? ['-c', '1'] : ['-F', String(frequency)];
  const whom = scope === 'system' ? ['-a'] : ['-p', String(pid)];
  const what = [...whom, '-e', event, ...often, '--call-graph', callGraph];
  if (switches) what.push('--switch-events');
  if (bufferKib !== undefined) what.push('-m', `${bufferKib}K`);
  // The clock of process.hrtime, so that samples and markers share one axis.
  const when = ['-k', 'mono', '-D', '-1', '--control', 'fd:3,4'];
  // No build-id cache (it fills ~/.debug), and no watching of BPF programs, whose end alone takes perf 250 ms.
  return ['perf', 'record', ...what, ...when, '-N', '--no-bpf-event', '-o', file];
}

/** The highest sampling frequency that the kernel allows there, Hz. It lowers that limit by itself under load. */
export async function maximumFrequency(host: Host): Promise<number> {
  const text = await host.readFile('/proc/sys/kernel/perf_event_max_sample_rate').catch(() => '');
  const limit = Number.parseInt(text, 10);
  return limit > 0 ? limit : Number.POSITIVE_INFINITY;
}

/** perf prints the names to stderr, which may arrive after the acknowledgement. */
async function askEvents(control: ControlChannel, said: () => string): Promise<string[]> {
  const before = said().length;
  await control.send('evlist\n');
  for (let waitedMs = 0; waitedMs < 200; waitedMs += 5) {
    const names = said()
      .slice(before)
      .split('\n')
      .filter((line) => /^[^\s[]+$/.test(line));
    if (names.some(isDummy)) return names;
    await sleep(5);
  }
  return [];
}

/** Keeps the end of what perf prints; it must be read, since perf prints a line at every enable. */
function tailOf(child: Child): () => string {
  let tail = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    tail += chunk.toString('utf8');
    if (tail.length > 2 * keptStderr) tail = tail.slice(-keptStderr);
  });
  child.stderr?.on('error', () => undefined);
  return () => tail;
}

async function failureOf(
  target: Target,
  child: Child,
  said: () => string,
  ending: { readonly asked: boolean },
): Promise<StagewatchError> {
  await child.ended;
  return ending.asked ? new Promise(() => undefined) : endedByItself(target, child, said());
}

async function endedByItself(target: Target, child: Child, said: string): Promise<StagewatchError> {
  const end = await child.ended;
  if (end.state === 'not-started')
    return new StagewatchError('perf-exited', `perf could not be started: ${end.error.message}`, {
      cause: end.error,
    });
  // Unasked, perf exits with 0 only when there is nothing left to record.
  if ((end.state === 'exited' && end.exitCode === 0) || !target.isAlive())
    return new StagewatchError('target-exited', `${target.program} (PID ${target.pid}) exited`);
  const words = lastWords(said);
  if (words.includes('error mapping pages'))
    return new StagewatchError(
      'perf-no-buffer',
      `perf may not lock as much memory as its buffers take; ${noBufferMend}`,
    );
  const how = end.state === 'killed' ? `was killed by ${end.signal}` : `exited with ${end.exitCode}`;
  const refusal = end.state === 'exited' && end.exitCode === 255 ? await refusalOf(target) : undefined;
  return refusal
    ? new StagewatchError(
        'perf-refused',
        `perf may not profile ${target.pid}: ${refusal.reason}. ${refusal.mend}`,
      )
    : new StagewatchError('perf-exited', `perf record ${how}${words === '' ? '' : `: ${words}`}`);
}

const complaint = /error|fail|denied|cannot|can't|no such|no space/i;
/** perf's word that it gave up, after the line that says why. */
const sequel = /^(\\_|Perf session creation failed|Run 'perf|Usage:|or: perf|-e, --event)/;

/** What perf complained of, without its chatter. */
export function lastWords(said: string): string {
  const lines = said
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(\[ perf record|Events? .*(enabled|disabled)$)/.test(line));
  return (
    lines.findLast((line) => complaint.test(line) && !sequel.test(line)) ??
    lines.find((line) => !sequel.test(line)) ??
    ''
  );
}
