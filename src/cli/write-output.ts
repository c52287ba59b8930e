import { closeSync, openSync, writeSync } from 'node:fs';
import { messageOf, UsageError } from '../error.ts';
import { writeResult } from './output.ts';

const batchChars = 256 * 1024;

/** `-o FILE`. @param output `-` for standard output. @throws {UsageError} output-file */
export function writeOutput(output: string, chunks: Iterable<string | Uint8Array>): void {
  if (output === '-') {
    for (const chunk of chunks) writeResult(1, chunk);
    return;
  }
  try {
    const file = openSync(output, 'w');
    try {
      for (const chunk of chunks) {
        const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
        for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
      }
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw new UsageError(
      'output-file',
      `Expected --output to be a file that can be written, got "${output}": ${messageOf(cause)}`,
      { cause },
    );
  }
}

/** Each with a newline at its end, many in one write. */
export function* linesOf(lines: Iterable<string>): Iterable<string> {
  let batch = '';
  for (const line of lines) {
    batch += `${line}\n`;
    if (batch.length < batchChars) continue;
    yield batch;
    batch = '';
  }
  yield batch;
}
