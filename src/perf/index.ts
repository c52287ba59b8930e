/** All that hooks use of perf; `stagewatch/hook` passes it on. */
export {
  chooseEvent,
  fallbackEvent,
  installCommand,
  perfVersion,
  recordedEvents,
  refusalOf,
} from './capabilities.ts';
export { processCpuMs } from './cpu-time.ts';
export { renderFlamegraphs } from './flamegraph-run.ts';
export type { FoldedSpan, FoldSummary } from './fold-job.ts';
export { foldPerfData } from './fold-run.ts';
export { type CallGraph, maximumFrequency, type RecordOptions } from './record.ts';
export { type Repair, repairPerfData } from './repair.ts';
export { perfDataFiles, RecordRotation } from './rotation.ts';
