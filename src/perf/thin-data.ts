import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataSizeAt } from './perf-data.ts';
import type { SampleLayout } from './sample-layout.ts';

const batchBytes = 1024 * 1024;
const copyBytes = 1024 * 1024;

/**
 * A perf.data with only some of the records of another, which perf reads as it does the whole. It has no name: it is
 * gone when its descriptor is closed, however we end.
 */
export class ThinData implements Disposable {
  /** Of the new file. */
  readonly fd: number;
  readonly #source: number;
  readonly #layout: SampleLayout;
  readonly #batch = Buffer.allocUnsafe(batchBytes);
  #filled = 0;
  #written = 0;

  constructor(source: number, layout: SampleLayout) {
    this.#source = source;
    this.#layout = layout;
    const folder = mkdtempSync(join(tmpdir(), 'stagewatch-'));
    try {
      this.fd = openSync(join(folder, 'perf.data'), 'wx+', 0o600);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    this.#copy(0, layout.dataFrom);
  }

  add(record: Buffer, at: number, size: number): void {
    if (this.#filled + size > batchBytes) this.#flush();
    record.copy(this.#batch, this.#filled, at, at + size);
    this.#filled += size;
  }

  /** A sample with another call chain. @param chainAt where its length stands. */
  addSample(record: Buffer, chainAt: number, chain: Buffer): void {
    const from = chainAt + 8;
    const rest = from + record.readUInt32LE(chainAt) * 8;
    const sample = Buffer.concat([record.subarray(0, from), chain, record.subarray(rest)]);
    sample.writeUInt16LE(sample.length, 6);
    sample.writeUInt32LE(chain.length / 8, chainAt);
    this.add(sample, 0, sample.length);
  }

  /** Call once, after the last record: what follows the data, and the places that the head tells of. */
  finish(): void {
    this.#flush();
    const { dataFrom, dataEnd, fileBytes, features } = this.#layout;
    const dataBytes = this.#written - dataFrom;
    const moved = BigInt(dataEnd - dataFrom - dataBytes);
    const tables = this.#written;
    this.#copy(dataEnd, fileBytes);
    const table = Buffer.alloc(16);
    for (let at = tables; at < tables + features * 16 && at + 16 <= this.#written; at += 16) {
      readSync(this.fd, table, 0, 16, at);
      const offset = table.readBigUInt64LE(0);
      if (offset >= BigInt(dataEnd)) table.writeBigUInt64LE(offset - moved, 0);
      writeSync(this.fd, table, 0, 16, at);
    }
    const sizeField = Buffer.alloc(8);
    sizeField.writeBigUInt64LE(BigInt(dataBytes));
    writeSync(this.fd, sizeField, 0, 8, dataSizeAt);
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }

  #flush(): void {
    this.#write(this.#batch, this.#filled);
    this.#filled = 0;
  }

  #copy(from: number, to: number): void {
    const buffer = Buffer.allocUnsafe(Math.min(copyBytes, Math.max(0, to - from)));
    for (let at = from; at < to;) {
      const bytes = readSync(this.#source, buffer, 0, Math.min(buffer.length, to - at), at);
      if (bytes === 0) return;
      this.#write(buffer, bytes);
      at += bytes;
    }
  }

  #write(buffer: Buffer, bytes: number): void {
    for (let at = 0; at < bytes;) at += writeSync(this.fd, buffer, at, bytes - at, this.#written + at);
    this.#written += bytes;
  }
}
