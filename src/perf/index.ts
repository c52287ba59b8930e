/** All that hooks use of perf; `stagewatch/hook` passes it on. */
export { perfAvailability } from './availability.ts';
export {
  canCount,
  chooseEvent,
  maySampleSystem,
  fallbackEvent,
  installCommand,
  perfVersion,
  recordedEvents,
  refusalOf,
} from './capabilities.ts';
export { processCpuMs } from './cpu-time.ts';
export { renderFlamegraphs } from './flamegraph-run.ts';
export type { FoldedSpan, FoldSummary, SwitchCapture } from './fold-job.ts';
export { foldRecordings, nothingCaptured } from './fold-recordings.ts';
export { type CallGraph, maximumFrequency, type RecordOptions, type RecordScope } from './record.ts';
export { perfDataFiles } from './rotation.ts';
export { type CaptureWatch, SpanRecorder } from './span-recorder.ts';
export { ArmedStat } from './stat.ts';
export { countable, type Countable, defaultCounters, topdownEvents } from './stat-events.ts';
export { ReadyStats } from './stat-ready.ts';
export { type Counter, type PoolCounters, summariseCounts } from './stat-summary.ts';
export { type ProcessTimes, ThreadFiles, type ThreadTimes } from './thread-times.ts';
export { cpuMsOf, type PoolUse, type ThreadUse, usedBetween } from './thread-use.ts';
export { capturesOfSpans, SwitchCaptures } from './switch-captures.ts';
