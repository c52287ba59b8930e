/**
 * Calls on a fixed grid: a late call does not move those after it, and missed ones are left out. Does not keep the
 * process alive.
 */
export function startSteadyTimer(everyMs: number, call: () => void): Disposable {
  const startMs = performance.now();
  // Rounded up, as timers cut fractions off: one that rings before its time would ring twice.
  const untilNext = (): number => Math.ceil(everyMs - ((performance.now() - startMs) % everyMs));
  const ring = (): void => {
    timeout = setTimeout(ring, untilNext()).unref();
    call();
  };
  let timeout = setTimeout(ring, untilNext()).unref();
  return { [Symbol.dispose]: () => clearTimeout(timeout) };
}
