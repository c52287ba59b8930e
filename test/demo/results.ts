/** What valkey-benchmark says of one stage. */
export interface BenchResult {
  readonly qps: number;
  readonly p99Ms: number;
}

/** Reads the CSV that follows each end marker: a header, then a row of the same order. */
export function readResults(output: string): Map<string, BenchResult> {
  const results = new Map<string, BenchResult>();
  let stage: string | undefined;
  let header: string[] = [];
  for (const line of output.split('\n')) {
    const marker = /^\[STAGE:END\] (\S+)/.exec(line);
    if (marker) stage = marker[1];
    else if (line.startsWith('"test"')) header = cells(line);
    else if (line.startsWith('"') && stage !== undefined) {
      const row = cells(line);
      const at = (name: string): number => Number(row[header.indexOf(name)]);
      results.set(stage, { qps: at('rps'), p99Ms: at('p99_latency_ms') });
    }
  }
  return results;
}

function cells(line: string): string[] {
  return line.split(',').map((cell) => cell.replaceAll('"', ''));
}
