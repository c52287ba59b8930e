import { monitor } from '../monitor/monitor.ts';
import type { MonitorOptions, MonitorSummary } from '../monitor/options.ts';
import type { Source } from '../source/contract.ts';
import { redactArgv, redactData } from '../target/redact.ts';
import { codeOfFailures, codeOfSignal } from './exit-code.ts';
import { chooseHooks } from './choose-hooks.ts';
import { LeftOvers } from './left-overs.ts';
import { toTarget, type MonitorFlags } from './monitor-flags.ts';
import { useColour } from './output.ts';
import { listenForEnd, type EndSignals } from './signals.ts';
import { closingLines } from './summary.ts';
import { version } from './version.ts';
import { TextView } from './view.ts';
import { viewsOf, Views } from './views.ts';

export interface FollowRequest {
  readonly sources: readonly Source[];
  readonly label: string;
  /** Start the sources only when the hooks are armed. */
  readonly armFirst: boolean;
  /** There is nothing else to do than to profile: what is missing for it is a failure, whatever was asked. */
  readonly profilesOnly?: boolean;
  /** What `run` starts: for session.json. */
  readonly benchmark?: readonly string[];
  /** Told of the first signal that asks us to end. */
  readonly onSignal?: (signal: NodeJS.Signals) => void;
}

/** Monitors, shows what happens, and tells what it came to. Sets the exit code. */
export async function follow(
  flags: MonitorFlags,
  prepare: () => Promise<FollowRequest> | FollowRequest,
): Promise<MonitorSummary> {
  const target = toTarget(flags);
  const hooks = await chooseHooks(flags);
  const request = await prepare();
  const text = new TextView(
    flags.quiet || flags.events === true ? 'quiet' : flags.verbose ? 'verbose' : 'normal',
    useColour(2),
  );
  await using views = new Views(await viewsOf(flags, text));
  await using leftOvers = new LeftOvers({ outputDir: flags.outputDir, tell: views.onEvent });
  using signals = listenForEnd((signal, count) => {
    if (count === 1) {
      text.line(`${signal}: ending, and collecting what was captured; once more to skip that`);
      request.onSignal?.(signal);
    }
  });
  const options: MonitorOptions = {
    sources: request.sources,
    watch: hooks.watch,
    skip: hooks.skip,
    hooks: hooks.plan,
    hooksAsked: hooks.asked || (request.profilesOnly ?? false),
    target,
    // Who names a server, or a script that takes its PID, wants it.
    needsTarget: flags.perfScript !== undefined || !('by' in target && target.by === 'name'),
    allTargets: flags.allServers ?? false,
    outputDir: flags.outputDir,
    label: flags.label ?? request.label,
    maxSpanMs: flags.maxSpan,
    armFirst: request.armFirst,
    about: describe(flags, request, hooks.plan),
    stop: signals.stop,
    hurry: signals.hurry,
  };
  const summary = await monitor(options, (event, atNs) => {
    views.onEvent(event, atNs);
    leftOvers.onEvent(event);
  });
  if (flags.events !== true) for (const block of closingLines(summary, flags)) text.block(block);
  process.exitCode = exitCodeOf(summary, signals);
  return summary;
}

function exitCodeOf(summary: MonitorSummary, signals: EndSignals): number {
  const ends = Object.values(summary.sources);
  const failed = ends.find((end) => end.state === 'failed');
  if (failed) throw failed.error;
  if (signals.received) return codeOfSignal(signals.received);
  return codeOfFailures(summary.failures);
}

function describe(
  flags: MonitorFlags,
  request: FollowRequest,
  plan: MonitorOptions['hooks'],
): Readonly<Record<string, unknown>> {
  return {
    label: flags.label ?? request.label,
    command: redactArgv(['stagewatch', ...process.argv.slice(2)]),
    ...(request.benchmark === undefined ? {} : { benchmark: redactArgv(request.benchmark) }),
    versions: { stagewatch: version, node: process.versions.node },
    hooks: plan.map(({ hook, from, options }) => ({ name: hook.name, from, options: redactData(options) })),
  };
}
