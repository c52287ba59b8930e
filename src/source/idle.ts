/** Tells when no new bytes came for a while: --idle-timeout. */
export class IdleWatch {
  readonly #timeoutMs: number;
  readonly #isBusy: () => boolean;
  readonly #idle: () => void;
  #lastMs = performance.now();
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param timeoutMs silence that counts as idle; undefined: none does.
   * @param isBusy true while bytes cannot come because those before them have not been taken.
   */
  constructor(timeoutMs: number | undefined, isBusy: () => boolean, idle: () => void) {
    this.#timeoutMs = timeoutMs ?? Infinity;
    this.#isBusy = isBusy;
    this.#idle = idle;
    if (timeoutMs !== undefined) this.#wait(timeoutMs);
  }

  /** Bytes came. Cheap: no timer is touched. */
  touch(): void {
    this.#lastMs = performance.now();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(
      () => {
        if (this.#isBusy()) this.touch();
        const leftMs = this.#timeoutMs - (performance.now() - this.#lastMs);
        if (leftMs <= 0) this.#idle();
        else this.#wait(leftMs);
      },
      // A longer delay would overflow a timer and fire at once.
      Math.min(Math.ceil(ms), 2 ** 31 - 1),
    );
  }
}
