import { StagewatchError } from '../error.ts';
import type { Child, Target } from '../target/contract.ts';
import { refusalOf } from './capabilities.ts';
import { ControlChannel } from './control.ts';
import { lastWords } from './record.ts';
import { perfEnvironment } from './run.ts';
import { parseThreadCounts, type ThreadCount } from './stat-text.ts';

const armTimeoutMs = 10_000;

/**
 * A running `perf stat` of one process that counts only between enable() and disable(). It prints its counts once, at
 * its end, and adds up what it counted: so one serves one span.
 */
export class ArmedStat implements AsyncDisposable {
  readonly #child: Child;
  readonly #control: ControlChannel;
  readonly #said: Promise<string>;

  private constructor(child: Child, control: ControlChannel, said: Promise<string>) {
    this.#child = child;
    this.#control = control;
    this.#said = said;
  }

  /**
   * Starts perf and waits until it is attached: 10-30 ms.
   * @param events as perf's -e takes them; groups in braces too.
   * @throws StagewatchError `target-exited`, `perf-refused` or `perf-exited`, with what perf said.
   */
  static async arm(target: Target, events: readonly string[]): Promise<ArmedStat> {
    const child = target.spawn(statCommand(target.pid, events), {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
      endSignal: 'SIGINT',
      env: perfEnvironment,
    });
    const said = textOf(child);
    const [, , , commands, acks] = child.stdio;
    if (!commands || !acks || !('write' in commands) || !('read' in acks))
      throw await endedByItself(target, child, said);
    const control = new ControlChannel(commands, acks);
    try {
      await control.ping(armTimeoutMs);
      return new ArmedStat(child, control, said);
    } catch (error) {
      if (error instanceof StagewatchError && error.code === 'perf-ended')
        throw await endedByItself(target, child, said);
      await child.end();
      throw error;
    }
  }

  /** Settles when perf has ended, whoever ended it: it does so by itself when the target exits. */
  get ended(): Promise<unknown> {
    return this.#child.ended;
  }

  enable(): Promise<void> {
    return this.#control.enable();
  }

  disable(): Promise<void> {
    return this.#control.disable();
  }

  /** Ends perf. @returns what it counted; nothing where it had to be killed. */
  async counts(): Promise<ThreadCount[]> {
    await this.#child.end(armTimeoutMs);
    return parseThreadCounts(await this.#said);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.end(armTimeoutMs);
  }
}

/** The argument list of an armed `perf stat`. */
export function statCommand(pid: number, events: readonly string[]): string[] {
  const what = ['--per-thread', '-p', String(pid), '-e', events.join(',')];
  return ['perf', 'stat', ...what, '-D', '-1', '--control', 'fd:3,4', '-x', ';'];
}

async function endedByItself(target: Target, child: Child, said: Promise<string>): Promise<StagewatchError> {
  const end = await child.ended;
  if (end.state === 'not-started')
    return new StagewatchError('perf-exited', `perf could not be started: ${end.error.message}`, {
      cause: end.error,
    });
  if (!target.isAlive())
    return new StagewatchError('target-exited', `${target.program} (PID ${target.pid}) exited`);
  const refusal = await refusalOf(target);
  if (refusal)
    return new StagewatchError(
      'perf-refused',
      `perf may not count ${target.pid}: ${refusal.reason}. ${refusal.mend}`,
    );
  const how = end.state === 'killed' ? `was killed by ${end.signal}` : `exited with ${end.exitCode}`;
  return new StagewatchError('perf-exited', `perf stat ${how}: ${lastWords(await said)}`);
}

function textOf(child: Child): Promise<string> {
  return new Promise((resolve) => {
    const { stderr } = child;
    if (stderr === null) return resolve('');
    let text = '';
    stderr.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
    for (const event of ['end', 'close', 'error']) stderr.once(event, () => resolve(text));
  });
}
