/** Signals that mean "end": the first one asks for an orderly end, the second one for a quick one. */
export interface EndSignals extends Disposable {
  readonly stop: AbortSignal;
  readonly hurry: AbortSignal;
  /** The first signal that came. */
  readonly received: NodeJS.Signals | undefined;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** @param onSignal told of each, with how many came so far. */
export function listenForEnd(onSignal: (signal: NodeJS.Signals, count: number) => void): EndSignals {
  const stop = new AbortController();
  const hurry = new AbortController();
  let received: NodeJS.Signals | undefined;
  let count = 0;
  const take = (signal: NodeJS.Signals): void => {
    received ??= signal;
    onSignal(signal, ++count);
    (count === 1 ? stop : hurry).abort();
  };
  for (const signal of SIGNALS) process.on(signal, take);
  return {
    stop: stop.signal,
    hurry: hurry.signal,
    get received() {
      return received;
    },
    [Symbol.dispose]: () => {
      for (const signal of SIGNALS) process.off(signal, take);
    },
  };
}
