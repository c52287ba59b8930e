/** Folded stacks from the innermost frame outwards: who calls a function, wherever it is called. */
export function reverseStacks(folded: readonly string[]): string[] {
  const weights = new Map<string, number>();
  for (const line of folded) {
    const blank = line.lastIndexOf(' ');
    const stack = line.slice(0, blank).split(';').reverse().join(';');
    weights.set(stack, (weights.get(stack) ?? 0) + Number(line.slice(blank + 1)));
  }
  return [...weights].sort(([a], [b]) => (a < b ? -1 : 1)).map(([stack, weight]) => `${stack} ${weight}`);
}
