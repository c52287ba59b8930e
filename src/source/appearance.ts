import type { FSWatcher } from 'chokidar';

/**
 * Wakes when a file appears at a path, or may have: rotation takes the old one away first. For that time only, since
 * chokidar reads the whole folder at each of its events, which may be busy with files that are not ours.
 */
export class AppearanceWatch implements Disposable {
  #watcher: FSWatcher | undefined;
  #closed = false;

  /** @param path absolute. */
  constructor(path: string, onAppear: () => void) {
    void this.#watch(path, onAppear);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    void this.#watcher?.close();
  }

  /** Loaded when it is needed, since most files are there. Until then, and where watching fails, the backstop sees it. */
  async #watch(path: string, onAppear: () => void): Promise<void> {
    const { watch } = await import('chokidar');
    if (this.#closed) return;
    this.#watcher = watch(path, { persistent: false });
    this.#watcher.on('add', onAppear);
    // `raw` comes at once; `add` may be held back while chokidar reads the folder.
    this.#watcher.on('raw', onAppear);
    this.#watcher.on('error', () => this[Symbol.dispose]());
  }
}
