/** Density of the standard normal distribution. */
export function normalPdf(z: number): number {
  return Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
}

/** Share of the standard normal distribution below z; relative error of its tails below 1.2e-7. */
export function normalCdf(z: number): number {
  // Chebyshev fit of erfc: Press et al., Numerical Recipes in C, 2nd ed. (1992), section 6.2, "erfcc".
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + x / 2);
  const terms = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
    -0.82215223, 0.17087277,
  ];
  const series = terms.reduceRight((sum, term) => sum * t + term, 0);
  const tail = 0.5 * t * Math.exp(-x * x + series);
  return z > 0 ? 1 - tail : tail;
}

/** The value that a standard normal variable stays below with probability p. @param p 0 < p < 1. */
export function normalQuantile(p: number): number {
  if (p === 0.5) return 0;
  if (p < 0.5) return -normalQuantile(1 - p);
  // Hastings' start (Abramowitz and Stegun 1964, 26.2.23), then Newton's steps on the distribution function itself.
  const t = Math.sqrt(-2 * Math.log(1 - p));
  let z =
    t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  for (let i = 0; i < 4; i++) z -= (normalCdf(z) - p) / normalPdf(z);
  return z;
}
