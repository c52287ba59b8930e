import { HistogramLogWriter } from 'hdr-histogram-js';
import { addBuckets, newHistogram } from './merge.ts';
import type { LoadResult } from './result.ts';

/**
 * The standard HdrHistogram log, version 1.3: one line for each second, of values in µs and maxima in ms. Every
 * HdrHistogram tool reads it. Tags tell several results apart.
 */
export function formatHdrLog(results: readonly LoadResult[]): string {
  let text = '';
  const writer = new HistogramLogWriter((part) => void (text += part));
  const [first] = results;
  const baseMs = first === undefined ? 0 : Date.parse(first.startedAt);
  writer.outputLogFormatVersion();
  writer.outputComment('[stagewatch load; values in microseconds]');
  writer.outputStartTime(baseMs);
  writer.outputLegend();
  for (const { name, startedAt, durationMs, histograms } of results) {
    const startSec = (Date.parse(startedAt) - baseMs) / 1000;
    for (const { second, buckets } of histograms) {
      const histogram = newHistogram();
      // A comma or a blank would end the tag.
      if (results.length > 1) histogram.tag = name.replaceAll(/[\s,]+/g, '_');
      addBuckets(histogram, buckets);
      const endSec = Math.max(second + 0.001, Math.min(second + 1, durationMs / 1000));
      writer.outputIntervalHistogram(histogram, startSec + second, startSec + endSec, 1000);
    }
  }
  return text;
}
