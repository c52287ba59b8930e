import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from './environment.ts';

interface Guarded {
  readonly pid: number;
  readonly startTicks: number;
  readonly signal: 'SIGINT' | 'SIGTERM';
}

/**
 * A small shell that waits on a pipe from us. When we die without a word, by SIGKILL say, it ends the process
 * groups that it was told of: each by its own signal first, so that perf completes its file.
 */
export class Guard implements AsyncDisposable {
  readonly #guarded = new Map<number, Guarded>();
  readonly #onLost: () => void;
  #shell: ChildProcess | undefined;
  #starts = 0;
  #closed = false;

  /** @param onLost called once when it died twice: from then on nobody cleans up after our own death by SIGKILL. */
  constructor(onLost: () => void) {
    this.#onLost = onLost;
  }

  /** Of the shell, while it runs. */
  get pid(): number | undefined {
    return this.#shell?.pid;
  }

  /** Call before the first child starts, so that not even that one can be left behind. */
  ensure(): void {
    if (this.#shell !== undefined || this.#closed || this.#starts === 2) return;
    this.#starts++;
    // Its end of the pipe is close-on-exec, as all of Node's: no other child holds it open after our death.
    const shell = spawn('/bin/sh', [guardScript()], {
      cwd: '/',
      detached: true,
      env: childEnvironment(),
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#shell = shell;
    const lost = (): void => {
      if (this.#shell !== shell) return;
      this.#shell = undefined;
      if (this.#closed) return;
      if (this.#starts === 2) this.#onLost();
      else this.ensure();
    };
    shell.once('error', lost).once('exit', lost);
    // EPIPE: it died, which `exit` tells.
    shell.stdin.on('error', () => {});
    shell.unref();
    // Typed as a stream, but a socket: Node makes pipes of socket pairs.
    (shell.stdin as unknown as { unref(): void }).unref();
    for (const guarded of this.#guarded.values()) this.#write(addLine(guarded));
  }

  add(guarded: Guarded): void {
    this.#guarded.set(guarded.pid, guarded);
    this.#write(addLine(guarded));
  }

  delete(pid: number): void {
    if (this.#guarded.delete(pid)) this.#write(`del ${pid}\n`);
  }

  /** Sends it home; all that it guarded must have ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const shell = this.#shell;
    if (shell === undefined || shell.exitCode !== null || shell.signalCode !== null) return;
    const gone = new Promise((resolve) => shell.once('exit', resolve));
    shell.ref();
    shell.stdin?.end('bye\n');
    await Promise.race([gone, sleep(1000, undefined, { ref: false })]);
  }

  #write(line: string): void {
    if (this.#shell?.stdin?.writable) this.#shell.stdin.write(line);
  }
}

function addLine({ pid, startTicks, signal }: Guarded): string {
  return `add ${pid} ${startTicks} ${signal.slice('SIG'.length)}\n`;
}

/** The script is not compiled: it stays in src/ when this file runs from dist/src/. */
export function guardScript(): string {
  const candidates = ['./guard.sh', '../../../src/restore/guard.sh'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  const found = candidates.find((path) => existsSync(path));
  if (found === undefined) throw new Error(`Expected the guard's script at ${candidates.join(' or ')}`);
  return found;
}
