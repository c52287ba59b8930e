import type { StagewatchError } from '../error.ts';
import type { Span, SpanId } from '../stage/span.ts';
import type { Target } from '../target/contract.ts';
import { RecordRotation, type RotationOptions } from './rotation.ts';

/** Told when capture begins and ends: what else must be read then. */
export interface CaptureWatch {
  /** @param file of the recording. @param askedNs CLOCK_MONOTONIC, before perf was told. @returns since when it captures. */
  began(file: string, askedNs: bigint): bigint;
  /** Call while it still goes on. */
  ending(): Promise<void>;
}

/** Which part of a span was captured, and where. */
interface Captured {
  readonly file: string;
  readonly fromNs: bigint;
}

/**
 * Records one process while at least one span is open, and knows which recording holds which span. Recordings are
 * closed between spans, when somebody wants to read them.
 */
export class SpanRecorder implements AsyncDisposable {
  /** Settles when perf ended though nobody asked. */
  readonly failed: Promise<StagewatchError>;
  readonly #rotation: RecordRotation;
  readonly #watch: CaptureWatch | undefined;
  readonly #captured = new Map<SpanId, Captured>();
  #open = 0;
  #capturedFromNs = 0n;
  /** No span will be captured any more. */
  #isOver = false;

  private constructor(rotation: RecordRotation, watch: CaptureWatch | undefined) {
    this.#rotation = rotation;
    this.#watch = watch;
    this.failed = rotation.failed;
    void rotation.failed.then(() => (this.#isOver = true));
  }

  /** @throws as RecordRotation.arm. */
  static async arm(target: Target, options: RotationOptions, watch?: CaptureWatch): Promise<SpanRecorder> {
    return new SpanRecorder(await RecordRotation.arm(target, options), watch);
  }

  /** As perf really records it. */
  get event(): string {
    return this.#rotation.event;
  }

  async start(span: Span): Promise<void> {
    const { file } = this.#rotation;
    // A span that starts while perf is still being told is not captured from its start on: this is known when it is.
    this.#captured.set(span.id, { file, fromNs: span.startNs });
    if (this.#open++ === 0) {
      const askedNs = process.hrtime.bigint();
      await this.#rotation.enable();
      this.#capturedFromNs = this.#watch?.began(file, askedNs) ?? process.hrtime.bigint();
    }
    if (this.#capturedFromNs > span.startNs)
      this.#captured.set(span.id, { file, fromNs: this.#capturedFromNs });
  }

  async stop(): Promise<void> {
    if (this.#open === 1) {
      await this.#watch?.ending();
      await this.#rotation.disable();
    }
    this.#open--;
  }

  /** There will be no more spans: what is recorded becomes readable. */
  async finish(): Promise<void> {
    this.#isOver = true;
    await this.#rotation.end();
  }

  /** Of those of these spans that were captured: the recordings that hold them, closed and readable. */
  async filesOf(spans: readonly Span[]): Promise<string[]> {
    const files = new Set(spans.flatMap(({ id }) => this.#captured.get(id)?.file ?? []));
    if (this.#isOver) await this.#rotation.end();
    else if (files.has(this.#rotation.file)) await this.#rotation.rotate();
    return [...files];
  }

  /** CLOCK_MONOTONIC; undefined where nothing of it was captured. */
  capturedFromNs(span: Span): bigint | undefined {
    return this.#captured.get(span.id)?.fromNs;
  }

  /** These spans are done with. @returns the recordings that hold no other span, and never will. */
  forget(spans: readonly Span[]): string[] {
    const files = new Set(spans.flatMap(({ id }) => this.#captured.get(id)?.file ?? []));
    for (const { id } of spans) this.#captured.delete(id);
    for (const { file } of this.#captured.values()) files.delete(file);
    files.delete(this.#rotation.file);
    return [...files];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#rotation.end();
  }
}
