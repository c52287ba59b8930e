import { stacksIn } from '../perf/flame-tree.ts';
import { artifactsOf, readArtifact } from '../report/artifacts.ts';
import { readReport } from '../report/read-report.ts';
import type { Report, ReportSpan, ReportTrial } from '../report/report.ts';
import { type Facts, factsOfReport, factsOfServer, factsOfTrial, mergeFacts } from './facts.ts';
import { type Figures, figuresOf, jsonsOf } from './figures.ts';

/** One run of a stage. */
export interface Run {
  /** Where it is to be looked at: the session's folder, and its span there; 0 where it had none. */
  readonly session: string;
  readonly span: number;
  /** When it began, Unix ms: tells whether runs of both sides alternated. */
  readonly startedMs: number;
  /** Empty where it failed. */
  readonly figures: Figures;
  /** Requests came on schedule: then QPS is what was asked for, and says nothing of the server. */
  readonly openLoop: boolean;
}

export interface SideStage {
  /** Its label, `name[:tag]`, by which both sides meet. */
  readonly stage: string;
  /** In the order in which they ran. */
  readonly runs: readonly Run[];
  readonly facts: Facts;
  /** Those that captured. */
  readonly hooks: readonly string[];
  /** On-CPU stacks of all its runs together; empty without. */
  readonly folded: string;
}

/** What is compared: one or several sessions, or a baseline that was kept of them. */
export interface Side {
  /** For people: names of the sessions, an address, a file. */
  readonly name: string;
  readonly facts: Facts;
  readonly stages: readonly SideStage[];
  /** What was left out, in words. */
  readonly notes: readonly string[];
}

/** Which part of a session a side is. */
export interface Part {
  readonly name: string;
  /** The label that a stage is compared under; undefined for one that does not belong to it. */
  readonly stage: (label: string) => string | undefined;
  /** Whether that server is the side's. */
  readonly target: (id: string, report: Report) => boolean;
}

/**
 * Reads sessions as one side: runs of the same stage, in the order of the sessions and of their time within each.
 * @throws {UsageError} not-a-session; newer-session.
 */
export async function readSide(folders: readonly string[], part?: Part): Promise<Side> {
  const sides: Side[] = [];
  for (const folder of folders) sides.push(await readOne(folder, part));
  return joinSides(part?.name ?? sides.map(({ name }) => name).join(', '), sides);
}

function joinSides(name: string, sides: readonly Side[]): Side {
  const labels = new Set(sides.flatMap(({ stages }) => stages.map(({ stage }) => stage)));
  return {
    name,
    facts: mergeFacts(sides.map(({ facts }) => facts)),
    notes: sides.flatMap(({ notes }) => notes),
    stages: [...labels].map((label) => {
      const parts = sides.flatMap(({ stages }) => stages.filter(({ stage }) => stage === label));
      return {
        stage: label,
        runs: parts.flatMap(({ runs }) => runs),
        facts: mergeFacts(parts.map(({ facts }) => facts)),
        hooks: [...new Set(parts.flatMap(({ hooks }) => hooks))].toSorted(),
        folded: poolStacks(parts.map(({ folded }) => folded)),
      };
    }),
  };
}

/** A run before it is read: a stage that was followed, a trial, or both. */
interface Found {
  readonly label: string;
  readonly span?: ReportSpan;
  readonly trial?: ReportTrial;
}

async function readOne(folder: string, part: Part | undefined): Promise<Side> {
  const report = await readReport(folder, () => false);
  const isOurs = (id: string): boolean => part?.target(id, report) ?? true;
  const labelOf = (label: string): string | undefined => (part ? part.stage(label) : label);
  const trials = new Map(report.trials.map((trial) => [trial.number, trial]));
  const withSpan = new Set(report.spans.map(({ trial }) => trial));
  const found: Found[] = [
    // Those of a session that this one went on with have no span here.
    ...report.trials
      .filter(({ number, state }) => !withSpan.has(number) && state !== 'open')
      .map((trial) => ({ label: trial.stage, trial })),
    ...report.spans.map((span) => {
      const trial = span.trial === undefined ? undefined : trials.get(span.trial);
      return { label: span.stage, span, ...(trial && { trial }) };
    }),
  ];
  const stages = new Map<string, Found[]>();
  for (const one of found) {
    const label = labelOf(one.label);
    if (label !== undefined) stages.set(label, [...(stages.get(label) ?? []), one]);
  }
  const read: SideStage[] = [];
  const notes: string[] = [];
  for (const [stage, runs] of stages) {
    const left = runs.map(reasonToLeaveOut).filter((reason) => reason !== undefined);
    if (left.length > 0)
      notes.push(
        `${stage}: ${left.length} of ${runs.length} runs have no figures: ${[...new Set(left)].join(', ')}`,
      );
    read.push(await readStage(folder, report, stage, runs, isOurs));
  }
  return { name: folder, facts: factsOfReport(report, isOurs), stages: read, notes };
}

async function readStage(
  folder: string,
  report: Report,
  stage: string,
  found: readonly Found[],
  isOurs: (target: string) => boolean,
): Promise<SideStage> {
  const zeroMs = Date.parse(report.session.startedAt);
  const runs: Run[] = [];
  const facts: Facts[] = [];
  const hooks = new Set<string>();
  const stacks: string[] = [];
  for (const one of found) {
    const { trial } = one;
    const span = one.span && {
      ...one.span,
      targets: one.span.targets.filter(({ target }) => isOurs(target)),
    };
    const isLeftOut = reasonToLeaveOut(one) !== undefined;
    runs.push({
      session: folder,
      span: span?.id ?? 0,
      startedMs: (Number.isFinite(zeroMs) ? zeroMs : 0) + (span?.startMs ?? 0),
      figures: isLeftOut ? {} : await figuresOf(folder, span, trial),
      openLoop: trial?.state === 'measured' && trial.result['loop'] === 'open',
    });
    if (isLeftOut) continue;
    if (trial) facts.push(factsOfTrial(trial));
    if (!span) continue;
    for (const { hooks: captured } of span.targets) for (const { hook } of captured) hooks.add(hook);
    for (const server of await jsonsOf(folder, span, 'server.json')) facts.push(factsOfServer(server));
    for (const artifact of artifactsOf(span, 'stacks.folded'))
      stacks.push((await readArtifact(folder, artifact)) ?? '');
  }
  return { stage, runs, facts: mergeFacts(facts), hooks: [...hooks].toSorted(), folded: poolStacks(stacks) };
}

function reasonToLeaveOut({ span, trial }: Found): string | undefined {
  if (trial?.state === 'failed') return `failed (${trial.code})`;
  if (trial?.state === 'open' || (span && span.state !== 'finished')) return 'cut short';
  return span?.late ? 'its markers came late' : undefined;
}

/** The same stacks once, with the sum of their weights. */
function poolStacks(all: readonly string[]): string {
  const given = all.filter((folded) => folded !== '');
  if (given.length < 2) return given[0] ?? '';
  const weights = new Map<string, number>();
  for (const folded of given)
    for (const { stack, weight } of stacksIn(folded)) {
      const line = stack.join(';');
      weights.set(line, (weights.get(line) ?? 0) + weight);
    }
  return [...weights].map(([stack, weight]) => `${stack} ${weight}`).join('\n');
}
