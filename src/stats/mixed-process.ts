import { GaussianProcess, type Kernel, type Observation } from './gaussian-process.ts';
import { normalCdf } from './normal.ts';

/**
 * Several Gaussian processes, each as credible as it explains the observations (Bayesian model averaging: Hoeting et
 * al., Statistical Science 14, 1999): how fast a surface bends and how noisy it is need not be known beforehand, and
 * a cliff among the observations makes the processes that bend sharply, and so doubt more, prevail.
 */
export class MixedProcess {
  readonly #parts: readonly { readonly process: GaussianProcess; readonly credence: number }[];

  /** @param observations not empty. @param kernels with how credible each is before any observation. */
  constructor(
    observations: readonly Observation[],
    kernels: readonly (Kernel & { readonly prior: number })[],
  ) {
    const processes = kernels.map((kernel) => new GaussianProcess(observations, kernel));
    const logs = processes.map((process, i) => process.logEvidence + Math.log(kernels[i]!.prior));
    const highest = Math.max(...logs);
    const shares = logs.map((log) => Math.exp(log - highest));
    const total = shares.reduce((sum, share) => sum + share, 0);
    this.#parts = processes
      .map((process, i) => ({ process, credence: shares[i]! / total }))
      // What explains a hundred times worse than the rest changes nothing but the time that this takes.
      .filter(({ credence }) => credence > 0.005);
  }

  /** The surface there; `below` is the probability that it lies under a limit. */
  at(x: readonly number[]): {
    readonly mean: number;
    readonly variance: number;
    below(limit: number): number;
  } {
    const views = this.#parts.map(({ process, credence }) => ({ ...process.at(x), credence }));
    const all = views.reduce((sum, view) => sum + view.credence, 0);
    const average = (read: (view: (typeof views)[number]) => number): number =>
      views.reduce((sum, view) => sum + view.credence * read(view), 0) / all;
    const mean = average((view) => view.mean);
    return {
      mean,
      variance: average((view) => view.variance + (view.mean - mean) ** 2),
      below: (limit) => average((view) => normalCdf((limit - view.mean) / Math.sqrt(view.variance))),
    };
  }
}
