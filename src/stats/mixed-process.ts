import { GaussianProcess, type Kernel, type Observation } from './gaussian-process.ts';
import { normalCdf } from './normal.ts';

/** Observations farther from what the others say, in standard deviations, are doubted. */
const DOUBTED = 2.5;
/** Degrees of freedom of the Student distribution that noise is then taken to have. */
const TAIL = 4;

/** What explains so much worse than the best changes nothing but the time that this takes. */
const NEGLIGIBLE = 0.02;

interface Part {
  readonly process: GaussianProcess;
  readonly credence: number;
}

/**
 * Several Gaussian processes, each as credible as it explains the observations (Bayesian model averaging: Hoeting et
 * al., Statistical Science 14, 1999): how fast a surface bends and how noisy it is need not be known beforehand, and
 * a cliff among the observations makes the processes that bend sharply, and so doubt more, prevail.
 */
export class MixedProcess {
  readonly #parts: readonly Part[];

  /** @param observations not empty. @param kernels with how credible each is before any observation. */
  constructor(
    observations: readonly Observation[],
    kernels: readonly (Kernel & { readonly prior: number })[],
  ) {
    const parts = partsOf(observations, kernels);
    const surprises = parts[0]!.process.surprises();
    this.#parts = surprises.some((surprise) => Math.abs(surprise) > DOUBTED)
      ? partsOf(doubt(observations, surprises), kernels)
      : parts;
  }

  /** The surface there; `below` is the probability that it lies under a limit. */
  at(x: readonly number[]): {
    readonly mean: number;
    readonly variance: number;
    readonly below: (limit: number) => number;
  } {
    const views = this.#parts.map(({ process, credence }) => ({ ...process.at(x), credence }));
    const mean = views.reduce((sum, view) => sum + view.credence * view.mean, 0);
    return {
      mean,
      variance: views.reduce(
        (sum, view) => sum + view.credence * (view.variance + (view.mean - mean) ** 2),
        0,
      ),
      below: (limit) =>
        views.reduce(
          (sum, view) => sum + view.credence * normalCdf((limit - view.mean) / Math.sqrt(view.variance)),
          0,
        ),
    };
  }
}

/** The most credible first. */
function partsOf(
  observations: readonly Observation[],
  kernels: readonly (Kernel & { readonly prior: number })[],
): Part[] {
  const processes = kernels.map((kernel) => new GaussianProcess(observations, kernel));
  const logs = processes.map((process, i) => process.logEvidence + Math.log(kernels[i]!.prior));
  const highest = Math.max(...logs);
  const kept = processes
    .map((process, i) => ({ process, share: Math.exp(logs[i]! - highest) }))
    .filter(({ share }) => share > NEGLIGIBLE)
    .toSorted((a, b) => b.share - a.share);
  const total = kept.reduce((sum, { share }) => sum + share, 0);
  return kept.map(({ process, share }) => ({ process, credence: share / total }));
}

/**
 * Takes the noise of what surprises to be Student-distributed, a normal one of unknown width: West, Biometrika 74
 * (1987). A run that stalled then widens the doubt at its place instead of bending the surface.
 */
function doubt(observations: readonly Observation[], surprises: readonly number[]): Observation[] {
  return observations.map((observation, i) => {
    const surprise = Math.abs(surprises[i]!);
    if (surprise <= DOUBTED) return observation;
    return { ...observation, variance: (observation.variance * (TAIL + surprise ** 2)) / (TAIL + 1) };
  });
}
