import type { Child, SpawnOptions } from '../../src/target/contract.ts';
import { LocalHost } from '../../src/target/local-host.ts';
import type { Children } from '../../src/restore/children.ts';

export interface NobodySettings {
  /** Capabilities that it has all the same: `perfmon`. */
  readonly capabilities?: readonly string[];
  /** RLIMIT_MEMLOCK, bytes. */
  readonly lockedBytes?: number;
}

/** Programs run as the user nobody here; for who is root, and wants to see what others see. */
export class NobodyHost extends LocalHost {
  readonly #settings: NobodySettings;

  constructor(children: Children, settings: NobodySettings = {}) {
    super(children);
    this.#settings = settings;
  }

  override spawn(argv: readonly string[], options?: SpawnOptions): Child {
    const { capabilities = [], lockedBytes } = this.#settings;
    const limit = lockedBytes === undefined ? [] : ['prlimit', `--memlock=${lockedBytes}:${lockedBytes}`];
    const kept = capabilities.map((name) => `+${name}`).join(',');
    const rights = kept === '' ? [] : [`--inh-caps=${kept}`, `--ambient-caps=${kept}`];
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', ...rights, '--'];
    return super.spawn([...limit, ...nobody, ...argv], options);
  }
}
