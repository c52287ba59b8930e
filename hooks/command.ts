import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Artifact,
  type ArtifactDir,
  available,
  type ChildEnd,
  defineHook,
  endMarked,
  type HookContext,
  type KeptOutput,
  programState,
  ReadyProgram,
  redactArgv,
  type Span,
  type SpanId,
  stageLabel,
  unavailable,
  z,
} from 'stagewatch/hook';

const options = z.object({
  command: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .describe("path of a program, or (in a profile) a list of words; the server's PID is added to them"),
  graceSeconds: z
    .number()
    .min(0.1)
    .max(60)
    .default(2)
    .describe('between SIGINT, SIGTERM and SIGKILL, for all of its process group'),
  keepMiB: z.number().min(0).max(4_096).default(64).describe('kept of each of its outputs'),
});
type Context = HookContext<z.infer<typeof options>>;

const files = ['command.json', 'command.stdout', 'command.stderr'] as const;

/** Whoever left the group may hold the pipes open: for so long they may still print, ms. */
const lastWordsMs = 300;

export default defineHook({
  name: 'command',
  description: 'any program during each span: its argument is the PID, STAGEWATCH_* say the rest',
  options,
  target: 'optional',

  probe: async (ctx) => {
    const [program = ''] = argvOf(ctx);
    const state = await programState(ctx.host, program);
    if (state === 'missing') return unavailable(`expected ${program} to be a program, it is not there`);
    if (state === 'executable') return available;
    return unavailable(`expected ${program} to be executable, it is not`, `chmod +x ${program}`);
  },

  arm: async (ctx) => {
    const runs = new Map<SpanId, Run>();
    let isOver = false;
    let ready: ReadyProgram | undefined = prepare(ctx);
    const endAll = (): Promise<unknown> => Promise.all([...runs.values()].map((run) => run.end()));
    return {
      start: async (span) => {
        const program = ready ?? prepare(ctx);
        ready = undefined;
        runs.set(span.id, await Run.start(ctx, span, program));
      },
      stop: async (span) => {
        // SIGINT is sent now; the rest goes on by itself.
        void runs.get(span.id)?.end();
        // Not before the other hooks have had their turn.
        setImmediate(() => (ready ??= isOver ? undefined : prepare(ctx)));
      },
      finish: async () => {
        isOver = true;
        await Promise.all([endAll(), ready?.child.end()]);
      },
      collect: async (spans, out) => {
        const artifacts = await Promise.all(
          spans.map(async (span) => {
            const run = runs.get(span.id);
            if (!run) return [];
            const outcome = await run.end();
            runs.delete(span.id);
            await out.of(span).writeJson('command.json', outcome);
            ctx.facts(span, { end: outcome.end, droppedBytes: outcome.droppedBytes });
            return existing(out.of(span));
          }),
        );
        return artifacts.flat();
      },
      [Symbol.asyncDispose]: async () => {
        isOver = true;
        await Promise.all([endAll(), ready?.child.end()]);
      },
    };
  },

  recover: async (_ctx, spans, out) =>
    (await Promise.all(spans.map((span) => existing(out.of(span))))).flat(),
});

/** As command.json says it. */
interface Outcome {
  readonly state: 'ended';
  readonly command: readonly string[];
  readonly pid: number | undefined;
  readonly end: { readonly exitCode?: number; readonly signal?: string; readonly beforeStageEnd: boolean };
  readonly durationMs: number;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  readonly droppedBytes: number;
}

/** The program of one span. */
class Run {
  readonly #ctx: Context;
  readonly #span: Span;
  readonly #argv: readonly string[];
  readonly #ready: ReadyProgram;
  readonly #marks: readonly string[];
  #told: Promise<unknown> | undefined;
  readonly #startedMs = performance.now();
  #endedMs: number | undefined;
  #ending: Promise<Outcome> | undefined;

  /** @throws {StagewatchError} command-not-started. */
  static async start(ctx: Context, span: Span, ready: ReadyProgram): Promise<Run> {
    const dir = ctx.out.of(span);
    // At once: each turn of the event loop costs milliseconds on a busy machine.
    mkdirSync(dir.path, { recursive: true, mode: 0o700 });
    const env = environmentOf(ctx, span, dir.path);
    const run = new Run(ctx, span, env, ready);
    await ready.launch({ folder: dir.path, env });
    run.#tellStart(dir);
    return run;
  }

  private constructor(ctx: Context, span: Span, env: Readonly<Record<string, string>>, ready: ReadyProgram) {
    this.#ctx = ctx;
    this.#span = span;
    this.#argv = argvOf(ctx);
    this.#ready = ready;
    this.#marks = ['STAGEWATCH_SPAN', 'STAGEWATCH_DIR'].map((name) => `${name}=${env[name]}`);
    void this.#ready.child.ended.then((end) => this.#sawEnd(end));
  }

  /** After a crash, this says what ran. */
  #tellStart(dir: ArtifactDir): void {
    const started = { state: 'running', command: redactArgv(this.#argv), pid: this.#ready.child.pid };
    this.#told = dir
      .writeJson('command.json', started)
      .catch(({ message }: Error) => this.#warn('output-not-kept', `has no command.json: ${message}`));
  }

  /** Sends the first signal at once; resolves when nothing of it is left. */
  end(): Promise<Outcome> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<Outcome> {
    const graceMs = this.#ctx.options.graceSeconds * 1_000;
    const beforeStageEnd = this.#endedMs !== undefined;
    const askedMs = performance.now();
    const end = await this.#ready.child.end(graceMs);
    if (performance.now() - askedMs >= 2 * graceMs)
      this.#warn('command-ignored-signals', `ignored SIGINT and SIGTERM, and was killed`);
    const strays = await endMarked(this.#ctx.host, this.#marks);
    if (strays.length > 0)
      this.#warn('command-left-daemon', `left its group, and was ended there: PID ${strays.join(', ')}`);
    const [stdout, stderr] = await this.#outputsAtLast();
    await this.#told;
    return {
      state: 'ended',
      command: redactArgv(this.#argv),
      pid: this.#ready.child.pid,
      end: {
        ...(end.state === 'exited' && { exitCode: end.exitCode }),
        ...(end.state === 'killed' && { signal: end.signal }),
        beforeStageEnd,
      },
      durationMs: Math.round((this.#endedMs ?? performance.now()) - this.#startedMs),
      stdoutBytes: stdout.bytes,
      stderrBytes: stderr.bytes,
      droppedBytes: stdout.droppedBytes + stderr.droppedBytes,
    };
  }

  async #outputsAtLast(): Promise<readonly [KeptOutput, KeptOutput]> {
    await Promise.race([this.#ready.outputs, sleep(lastWordsMs)]);
    this.#ready.child.stdout?.destroy();
    this.#ready.child.stderr?.destroy();
    const outputs = await this.#ready.outputs;
    for (const [index, { bytes, droppedBytes, error }] of outputs.entries()) {
      const name = index === 0 ? 'command.stdout' : 'command.stderr';
      if (error) this.#warn('output-not-kept', `${name} cannot be written: ${error.message}`);
      else if (droppedBytes > 0 && this.#ctx.options.keepMiB > 0)
        this.#warn(
          'output-dropped',
          `printed ${bytes + droppedBytes} bytes: ${name} has the first ${bytes} (option keepMiB)`,
        );
    }
    return outputs;
  }

  #sawEnd(end: ChildEnd): void {
    this.#endedMs = performance.now();
    // What we asked for is no failure, whatever code it comes with.
    if (this.#ending || end.state === 'not-started') return;
    const how = end.state === 'killed' ? `was ended by ${end.signal}` : `exited with code ${end.exitCode}`;
    if (end.state === 'killed' || end.exitCode !== 0)
      this.#warn('command-failed', `${how} before the stage had ended; see command.stderr`);
  }

  #warn(code: string, what: string): void {
    const message = `${stageLabel(this.#span.stage)}: ${this.#argv[0]} ${what}`;
    this.#ctx.warn({ code, message, span: this.#span, fails: true });
  }
}

function prepare(ctx: Context): ReadyProgram {
  const [, stdout, stderr] = files;
  return new ReadyProgram(ctx.host, argvOf(ctx), {
    stdout,
    stderr,
    limitBytes: ctx.options.keepMiB * 2 ** 20,
  });
}

/** It works in the span's folder: a relative path means ours. */
function argvOf({ options: { command }, target }: Context): string[] {
  const [program = '', ...args] = typeof command === 'string' ? [resolve(command)] : command;
  const path = program.includes('/') ? resolve(program) : program;
  return [path, ...args, ...(target ? [String(target.pid)] : [])];
}

function environmentOf(
  { target }: Context,
  { id, stage }: Span,
  folder: string,
): Readonly<Record<string, string>> {
  return {
    STAGEWATCH_STAGE: stage.name,
    STAGEWATCH_TAG: stage.tag ?? '',
    STAGEWATCH_SPAN: String(id),
    STAGEWATCH_DIR: folder,
    ...(target && { STAGEWATCH_PID: String(target.pid) }),
  };
}

async function existing(dir: ArtifactDir): Promise<Artifact[]> {
  const found = await Promise.all(files.map((name) => dir.existing(name).catch(() => undefined)));
  return found.filter((artifact) => artifact !== undefined);
}
