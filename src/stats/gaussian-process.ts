/** A value seen at a place, with the variance of its noise. */
export interface Observation {
  readonly x: readonly number[];
  readonly y: number;
  readonly variance: number;
}

export interface Kernel {
  /** Distance over which the surface bends. */
  readonly length: number;
  /** Standard deviation of its bends around a sloping plane. */
  readonly amplitude: number;
  /** Standard deviations of the plane's height and slopes. */
  readonly height: number;
  readonly slope: number;
  /** The noise is so many times what the observations say. */
  readonly noise: number;
}

/**
 * A smooth surface through noisy values, with its uncertainty: Gaussian process regression after Rasmussen and
 * Williams, Gaussian Processes for Machine Learning (2006), algorithm 2.1, with a Matern 5/2 kernel (equation 4.17)
 * on a plane of unknown height and slope (section 2.7).
 */
export class GaussianProcess {
  readonly #kernel: Kernel;
  readonly #xs: readonly (readonly number[])[];
  /** Lower triangle of the Cholesky factor, row by row. */
  readonly #factor: readonly Float64Array[];
  readonly #weights: Float64Array;
  readonly #level: number;
  /** ln of the probability of the observations under this kernel. */
  readonly logEvidence: number;

  /** @param observations not empty. */
  constructor(observations: readonly Observation[], kernel: Kernel) {
    this.#kernel = kernel;
    this.#xs = observations.map(({ x }) => x);
    this.#level = observations.reduce((sum, { y }) => sum + y, 0) / observations.length;
    this.#factor = cholesky(
      observations.map(({ x, variance }, i) =>
        Float64Array.from({ length: i + 1 }, (_, j) =>
          i === j
            ? this.#covariance(x, x) + variance * kernel.noise ** 2 + 1e-9
            : this.#covariance(x, this.#xs[j]!),
        ),
      ),
    );
    const centered = Float64Array.from(observations, ({ y }) => y - this.#level);
    const whitened = solveLower(this.#factor, centered);
    this.#weights = solveUpper(this.#factor, whitened);
    const fit = whitened.reduce((sum, value) => sum + value * value, 0);
    const volume = this.#factor.reduce((sum, row, i) => sum + Math.log(row[i]!), 0);
    this.logEvidence = -0.5 * fit - volume - 0.5 * observations.length * Math.log(2 * Math.PI);
  }

  /** The surface itself there, without the noise of a measurement. */
  at(x: readonly number[]): { readonly mean: number; readonly variance: number } {
    const shared = Float64Array.from(this.#xs, (other) => this.#covariance(x, other));
    let mean = this.#level;
    for (let i = 0; i < shared.length; i++) mean += shared[i]! * this.#weights[i]!;
    const explained = solveLower(this.#factor, shared).reduce((sum, value) => sum + value * value, 0);
    return { mean, variance: Math.max(1e-12, this.#covariance(x, x) - explained) };
  }

  /**
   * How far each observation lies from what all others say of it, in standard deviations: section 5.4.2, equations
   * 5.10 to 5.12.
   */
  surprises(): number[] {
    const size = this.#factor.length;
    // The diagonal of the inverse of the covariance, from the inverse of its factor.
    const precision = new Float64Array(size);
    for (let i = 0; i < size; i++) {
      const column = solveLower(
        this.#factor,
        Float64Array.from({ length: size }, (_, j) => (i === j ? 1 : 0)),
      );
      precision[i] = column.reduce((sum, value) => sum + value * value, 0);
    }
    return Array.from(this.#weights, (weight, i) => weight / Math.sqrt(precision[i]!));
  }

  #covariance(a: readonly number[], b: readonly number[]): number {
    const { length, amplitude, height, slope } = this.#kernel;
    let squared = 0;
    let product = 0;
    for (let i = 0; i < a.length; i++) {
      squared += (a[i]! - b[i]!) ** 2;
      product += a[i]! * b[i]!;
    }
    const r = Math.sqrt(5 * squared) / length;
    return height ** 2 + slope ** 2 * product + amplitude ** 2 * (1 + r + (r * r) / 3) * Math.exp(-r);
  }
}

/** In place. Rows of the lower triangle of a positive definite matrix. */
function cholesky(rows: readonly Float64Array[]): readonly Float64Array[] {
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    for (let j = 0; j <= i; j++) {
      const other = rows[j]!;
      let sum = row[j]!;
      for (let k = 0; k < j; k++) sum -= row[k]! * other[k]!;
      row[j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / other[j]!;
    }
  }
  return rows;
}

function solveLower(factor: readonly Float64Array[], values: Float64Array): Float64Array {
  const solved = Float64Array.from(values);
  for (let i = 0; i < solved.length; i++) {
    const row = factor[i]!;
    let sum = solved[i]!;
    for (let k = 0; k < i; k++) sum -= row[k]! * solved[k]!;
    solved[i] = sum / row[i]!;
  }
  return solved;
}

function solveUpper(factor: readonly Float64Array[], values: Float64Array): Float64Array {
  const solved = Float64Array.from(values);
  for (let i = solved.length - 1; i >= 0; i--) {
    let sum = solved[i]!;
    for (let k = i + 1; k < solved.length; k++) sum -= factor[k]![i]! * solved[k]!;
    solved[i] = sum / factor[i]![i]!;
  }
  return solved;
}
