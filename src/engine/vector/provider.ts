import { MissingError } from '../../error.ts';
import { HnswIndex } from './hnsw.ts';
import { HnswlibIndex, loadHnswlib } from './hnswlib.ts';
import type { HnswSettings, VectorIndex } from './vector-index.ts';

export const hnswProviders = ['hnswlib-node', 'javascript'] as const;
export type HnswProviderName = (typeof hnswProviders)[number];

/** Which HNSW serves. */
export interface HnswProvider {
  readonly name: HnswProviderName;
  create(settings: HnswSettings): VectorIndex;
}

/**
 * @param wanted the addon where it could be built, else our own, without.
 * @throws MissingError when the addon is wanted, and absent.
 */
export function chooseHnsw(wanted?: HnswProviderName): HnswProvider {
  const addon = wanted === 'javascript' ? undefined : loadHnswlib();
  if (addon) return { name: 'hnswlib-node', create: (settings) => new HnswlibIndex(addon, settings) };
  if (wanted === 'hnswlib-node')
    throw new MissingError(
      'no-hnswlib',
      'Expected the optional package hnswlib-node, found none: it is compiled at install, which needs make and a C++ compiler. Install them and run npm ci again, or take --hnsw javascript',
    );
  return { name: 'javascript', create: (settings) => new HnswIndex(settings) };
}
