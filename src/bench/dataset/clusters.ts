import { Random } from '../../stats/random.ts';

export interface ClusterOptions {
  readonly dim: number;
  /** How many centres. */
  readonly clusters: number;
  /** How far a vector lies from its centre, in units of how far centres lie from each other. */
  readonly spread: number;
  readonly seed: number;
}

/**
 * Vectors around common centres, as real embeddings lie: more or less easy to search by `spread`. The next vectors of
 * a stream follow on the last ones, so that the batches that they are taken in do not matter.
 */
export class ClusteredVectors {
  readonly #options: ClusterOptions;
  readonly #centres: Float64Array;
  readonly #random: Random;

  /** @param stream vectors and queries come from the same centres, but are different. */
  constructor(options: ClusterOptions, stream: 'vectors' | 'queries') {
    this.#options = options;
    const forCentres = new Random(options.seed, 0);
    this.#centres = Float64Array.from({ length: options.clusters * options.dim }, () => forCentres.bell());
    this.#random = new Random(options.seed, stream === 'vectors' ? 1 : 2);
  }

  /** The next `count` vectors, one behind the other. */
  take(count: number): Float32Array {
    const { dim, clusters, spread } = this.#options;
    const vectors = new Float32Array(count * dim);
    for (let i = 0; i < count; i++) {
      const centre = this.#random.below(clusters) * dim;
      for (let d = 0; d < dim; d++)
        vectors[i * dim + d] = this.#centres[centre + d]! + spread * this.#random.bell();
    }
    return vectors;
  }
}
