import type { CommandSpec } from './options.ts';
import { Random } from '../stats/random.ts';
import { digitsBelow, makeData, makeTemplate, randomise, type RequestTemplate } from './request-template.ts';
import type { Batch, Workload, WorkloadReport } from './workload.ts';

export interface CommandWorkloadOptions {
  readonly commands: readonly CommandSpec[];
  readonly pipeline: number;
  readonly keyspace?: number;
  readonly dataBytes: number;
  readonly cluster: boolean;
  readonly seed: number;
}

/** One command, or a mix of some by their shares. */
export function commandWorkload(options: CommandWorkloadOptions): Workload {
  const data = makeData(options.dataBytes);
  const templates = options.commands.map((command) =>
    makeTemplate(command.words, {
      data,
      tagged: options.cluster,
      ...(options.keyspace !== undefined && { keyspace: options.keyspace }),
      ...(command.inline && { inline: command.inline }),
    }),
  );
  return templates.length === 1
    ? new SingleCommand(options.commands[0]!.name, templates[0]!, options)
    : new CommandMix(options.commands, templates, options);
}

/** The batch holds the same command over and over from the start; only digits and tags are written anew. */
class SingleCommand implements Workload {
  readonly batchBytes: number;
  readonly readsReplies = false;
  readonly #name: string;
  readonly #template: RequestTemplate;
  readonly #keyspace: number;
  readonly #digits: number;
  readonly #random: Random;
  readonly #pipeline: number;
  #made = 0;

  constructor(name: string, template: RequestTemplate, options: CommandWorkloadOptions) {
    this.#name = name;
    this.#template = template;
    this.#pipeline = options.pipeline;
    this.#keyspace = options.keyspace ?? 1;
    this.#digits = digitsBelow(this.#keyspace);
    this.#random = new Random(options.seed);
    this.batchBytes = template.bytes.length * options.pipeline;
  }

  prepare(batch: Batch): void {
    const { length } = this.#template.bytes;
    for (let i = 0; i < this.#pipeline; i++) {
      this.#template.bytes.copy(batch.bytes, i * length);
      batch.ends[i] = (i + 1) * length;
    }
  }

  fill(batch: Batch, _first: number, _stride: number, count: number): number {
    const { bytes, numbers, tags } = this.#template;
    if (numbers.length > 0)
      for (let i = 0; i < count; i++)
        randomise(batch.bytes, i * bytes.length, numbers, this.#random, this.#keyspace, this.#digits);
    if (tags.length > 0)
      for (let i = 0; i < count; i++) writeTags(batch, i * bytes.length, tags, this.#random);
    this.#made += count;
    return count * bytes.length;
  }

  report(): WorkloadReport {
    return { operations: { [this.#name]: this.#made } };
  }
}

/** Each request is one of the commands, drawn by share. */
class CommandMix implements Workload {
  readonly batchBytes: number;
  readonly readsReplies = false;
  readonly #names: readonly string[];
  readonly #templates: readonly RequestTemplate[];
  /** Up to which draw each command is taken, of 2^32. */
  readonly #upTo: readonly number[];
  readonly #made: number[];
  readonly #keyspace: number;
  readonly #digits: number;
  readonly #random: Random;

  constructor(
    commands: readonly CommandSpec[],
    templates: readonly RequestTemplate[],
    options: CommandWorkloadOptions,
  ) {
    this.#names = commands.map(({ name }) => name);
    this.#templates = templates;
    let sum = 0;
    this.#upTo = commands.map(({ share }) => (sum += share) * 2 ** 32);
    this.#made = commands.map(() => 0);
    this.#keyspace = options.keyspace ?? 1;
    this.#digits = digitsBelow(this.#keyspace);
    this.#random = new Random(options.seed);
    this.batchBytes = Math.max(...templates.map(({ bytes }) => bytes.length)) * options.pipeline;
  }

  prepare(): void {}

  fill(batch: Batch, _first: number, _stride: number, count: number): number {
    let at = 0;
    for (let i = 0; i < count; i++) {
      const draw = this.#random.next();
      let which = 0;
      while (which < this.#upTo.length - 1 && draw >= this.#upTo[which]!) which++;
      const { bytes, numbers, tags } = this.#templates[which]!;
      batch.bytes.set(bytes, at);
      randomise(batch.bytes, at, numbers, this.#random, this.#keyspace, this.#digits);
      if (tags.length > 0) writeTags(batch, at, tags, this.#random);
      at += bytes.length;
      batch.ends[i] = at;
      this.#made[which]!++;
    }
    return at;
  }

  report(): WorkloadReport {
    return { operations: Object.fromEntries(this.#names.map((name, i) => [name, this.#made[i]!])) };
  }
}

/** One tag for all keys of a request, or it would not be of one slot. */
function writeTags(batch: Batch, at: number, tags: readonly number[], random: Random): void {
  if (batch.tags.length === 0) return;
  const tag = batch.tags[random.below(batch.tags.length)]!;
  for (const place of tags)
    for (let i = 0; i < tag.length; i++) batch.bytes[at + place + i] = tag.charCodeAt(i);
}
