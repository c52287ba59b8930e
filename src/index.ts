/** The public library: what the commands call. It never prints, exits or reads argv. */
export { MissingError, StagewatchError, UsageError } from './error.ts';
export { monitor } from './monitor/monitor.ts';
export type { Failure, MonitorOptions, MonitorSummary, OnEvent } from './monitor/options.ts';
export { recoverSession, type RecoverSummary } from './monitor/recover.ts';
export { cleanSession, type CleanedSession, type CleanOptions } from './leftovers/clean.ts';
export { findSessions, type FoundSession } from './leftovers/find.ts';
export { loadHook, builtinHookNames } from './hook/load.ts';
export { planHooks, type PlannedHook } from './hook/plan.ts';
export { loadProfile, parseProfile, presetNames } from './profile/load.ts';
export { mergeProfiles, type HookOptions, type Profile } from './profile/profile.ts';
export { readSession, spansOf, type ReadSession } from './session/read.ts';
export type { JournalLine, SessionEvent } from './session/events.ts';
export { ChildSource } from './source/child.ts';
export type { SessionSink, Source, SourceEnd, SourceNotice, SourceSink } from './source/contract.ts';
export { FileSource } from './source/file.ts';
export { scanFinishedLogs } from './source/finished-log.ts';
export { StdinSource } from './source/stdin.ts';
export { TimedSource } from './source/timed.ts';
export { formatEnd, formatStart } from './stage/emitter.ts';
export type { EndedSpan, Span } from './stage/span.ts';
export { parseStage, stageLabel, type Stage } from './stage/stage.ts';
export { findTargets, type TargetQuery } from './target/find.ts';
export type { TargetPlace } from './target/locate.ts';
export { LoadError } from './load/error.ts';
export { formatHdrLog } from './load/hdr-log.ts';
export { runLoad, type LoadRuntime } from './load/load.ts';
export type { LoadOptions } from './load/options.ts';
export type { LoadResult } from './load/result.ts';
export { openDataset } from './bench/dataset/open.ts';
export {
  detectDatasetInfo,
  findDatasetPath,
  generateIndexName,
  generateSearchPrefix,
  type DatasetInfo,
} from './bench/dataset/names.ts';
export { BenchmarkConfig, type BenchmarkSettings } from './bench/config.ts';
export type { Driver, RunObserver } from './bench/driver.ts';
export {
  driverNames,
  findDriver,
  type DriverName,
  type FindOptions,
  type FoundDriver,
} from './bench/drivers/find.ts';
export { BenchmarkError, BinaryNotFoundError, ParseError } from './bench/error.ts';
export { BenchmarkResult, type ErrorTally, type Measurement, type ResultWarning } from './bench/result.ts';
export { Secret, type TlsFiles } from './valkey/credentials.ts';
export type * from './search/contract.ts';
export { InfeasibleError, SearchError, UndecidedError } from './search/error.ts';
export { gridSearch, sweep, type GridOptions, type SweepOptions } from './search/grid.ts';
export { searchMaxQps } from './search/max-qps.ts';
export { configWith, parameterOf } from './search/parameter.ts';
export {
  runExperiment,
  type ExperimentEnd,
  type ExperimentOptions,
  type ExperimentView,
} from './experiment/experiment.ts';
export type { FollowOptions } from './experiment/in-monitor.ts';
export type { Journal, Preparation } from './experiment/preparation.ts';
export {
  planServerChanges,
  type ServerChanges,
  type ServerChangesAsked,
} from './experiment/server-changes.ts';
export { ValKeyBenchmarkWrapper } from './experiment/wrapper.ts';
export type {
  BinarySearchSettings,
  ConstraintSettings,
  GridSettings,
  OutputSink,
  WrapperOptions,
} from './experiment/wrapper-options.ts';
export type { MarkerSink, OpenStage } from './experiment/wrapper-stage.ts';
export { startEngine, type RunningEngine } from './engine/start.ts';
export { makeFlamegraph, type Flamegraph, type FlamegraphOptions } from './perf/flamegraph.ts';
export { exportFormats, type ExportFormat, type ExportOptions, exportSession } from './report/export.ts';
export { compareSides, type Comparison, type StageComparison } from './compare/comparison.ts';
export { readBaseline, saveBaseline } from './compare/baseline.ts';
export { readSide, type Side } from './compare/side.ts';
export type { CompareOptions, Verdict } from './compare/verdict.ts';
