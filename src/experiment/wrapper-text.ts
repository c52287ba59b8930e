import type { BenchmarkConfig } from '../bench/config.ts';
import type { BenchmarkResult } from '../bench/result.ts';
import type { ParameterName, SearchEvent } from '../search/contract.ts';
import { valueOf } from '../search/parameter.ts';

/** A line on what a search does; undefined for what is not worth one. */
export function describeEvent(event: SearchEvent, names: readonly ParameterName[]): string | undefined {
  if (event.type === 'plan') return undefined;
  if (event.type === 'warning') return `${event.code}: ${event.message}`;
  const { number, config, outcome } = event.trial;
  return outcome.state === 'measured'
    ? `[${number}] ${describeResult(outcome.result, names)}`
    : `[${number}] ${describePoint(config, names)}: failed: ${outcome.error.message}`;
}

/** `efSearch=100, numClients=20: QPS=15236.0, recall=98.24%, p99=0.560ms`. */
export function describeResult(result: BenchmarkResult, names: readonly ParameterName[]): string {
  const recall = result.recallAvg === null ? '' : `, recall=${(result.recallAvg * 100).toFixed(2)}%`;
  return `${describePoint(result.config, names)}: QPS=${result.qps.toFixed(1)}${recall}, p99=${result.latencyP99.toFixed(3)}ms`;
}

function describePoint(config: BenchmarkConfig, names: readonly ParameterName[]): string {
  return names.map((name) => `${name}=${valueOf(config, name)}`).join(', ');
}
