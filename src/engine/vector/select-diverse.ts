/**
 * The heuristic of HNSW's paper (algorithm 4): a candidate is a neighbour when it is nearer to the node than to all
 * neighbours so far, so that links lead into all directions.
 * @param nearestFirst candidates.
 */
export function selectDiverse(
  nearestFirst: readonly number[],
  limit: number,
  distanceTo: (slot: number) => number,
  between: (a: number, b: number) => number,
): number[] {
  if (nearestFirst.length <= limit) return [...nearestFirst];
  const chosen: number[] = [];
  for (const candidate of nearestFirst) {
    if (chosen.length === limit) break;
    const distance = distanceTo(candidate);
    if (chosen.every((other) => between(candidate, other) >= distance)) chosen.push(candidate);
  }
  return chosen;
}
