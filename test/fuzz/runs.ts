/** `npm run fuzz` sets it: how many times as many runs as usual. */
const factor = Number(process.env['STAGEWATCH_FUZZ'] ?? 1);

/** Runs of a property; more of them under `npm run fuzz`. @param usual in `npm test`. */
export function runs(usual: number): number {
  return Math.round(usual * factor);
}
