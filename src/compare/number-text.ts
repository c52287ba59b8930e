/** A figure as people read it: four digits, whole where it is large. */
export function figureText(value: number): string {
  if (value >= 1_000) return Math.round(value).toLocaleString('en');
  return value
    .toPrecision(4)
    .replace(/^(\d+\.\d*?)0+$/, '$1')
    .replace(/\.$/, '');
}
