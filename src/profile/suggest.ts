import leven from 'leven';

/** ` Did you mean "x"?`, or nothing when no known name is near. */
export function didYouMean(given: string, known: Iterable<string>): string {
  let nearest: string | undefined;
  // A third of the letters wrong is still a typing slip; more is another word.
  let distance = Math.max(1, Math.floor(given.length / 3)) + 1;
  for (const name of known) {
    const d = leven(given, name, { maxDistance: distance });
    if (d < distance) [nearest, distance] = [name, d];
  }
  return nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
}
