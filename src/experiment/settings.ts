import type { BenchmarkConfig } from '../bench/config.ts';
import { BenchmarkError } from '../bench/error.ts';
import { StagewatchError, UsageError } from '../error.ts';
import { type Change, Changes } from '../restore/changes.ts';
import { redactArgv } from '../target/redact.ts';
import { ControlClient, type ServerAddress } from '../valkey/client.ts';
import { parseInfo } from '../valkey/info.ts';
import { asFailure } from './as-failure.ts';
import { demandRestored } from './not-restored.ts';
import { demandPermission } from './permission.ts';
import type { Journal, Preparation } from './preparation.ts';
import { type RestartCommand, restartServer } from './restart-command.ts';
import { checkSettingName, isKept } from './setting-value.ts';

/** A smaller maxmemory evicts before it answers, ms. */
const setTimeoutMs = 60_000;

/** Which of the server's settings an experiment changes, and how. */
export interface SettingsPlan {
  readonly address: ServerAddress;
  /** For the whole experiment; a trial's own win. */
  readonly fixed: Readonly<Record<string, string>>;
  /** Those that trials turn: one that cannot be changed is refused before the first trial. */
  readonly tuned: readonly string[];
  /** For settings that the server takes at its start only. */
  readonly restart?: RestartCommand;
  /** Allowed on any server, not only on an empty one on loopback. */
  readonly yes: boolean;
}

/** The server's own settings, made as each trial wants them, read back, and put back in the end. */
export class ServerSettings implements Preparation {
  readonly #plan: SettingsPlan;
  #client: ControlClient;
  readonly #changes: Changes;
  /** As they were, of all that were ever asked for. */
  readonly #original = new Map<string, string>();
  /** Those that the server takes at its start only. */
  readonly #immutable = new Set<string>();

  private constructor(plan: SettingsPlan, journal: Journal) {
    this.#plan = plan;
    this.#client = new ControlClient(plan.address);
    this.#changes = new Changes(journal);
  }

  /**
   * Asks the server whether it has these settings and lets us change them; changes nothing yet.
   * @throws {UsageError} needs-yes, bad-setting, unknown-setting, immutable-setting.
   * @throws {BenchmarkError} setting-refused, and why it cannot be asked.
   */
  static async open(plan: SettingsPlan, journal: Journal): Promise<ServerSettings> {
    const settings = new ServerSettings(plan, journal);
    try {
      const names = new Set([...Object.keys(plan.fixed), ...plan.tuned].map((name) => name.toLowerCase()));
      if (names.size > 0) await asFailure(() => settings.#admit([...names], journal));
    } catch (error) {
      await settings.#client[Symbol.asyncDispose]();
      throw error;
    }
    return settings;
  }

  async before(config: Pick<BenchmarkConfig, 'serverConfig'>): Promise<void> {
    await asFailure(() => this.#make(config.serverConfig));
  }

  /** @throws {BenchmarkError} not-restored, when a setting could not be put back; the others are. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#changes[Symbol.asyncDispose]();
    await this.#client[Symbol.asyncDispose]();
    demandRestored(this.#changes);
  }

  async #make(own: BenchmarkConfig['serverConfig']): Promise<void> {
    const wanted = new Map(
      Object.entries({ ...this.#plan.fixed, ...own }).map(
        ([name, value]) => [name.toLowerCase(), value] as const,
      ),
    );
    const unknown = [...wanted.keys()].filter((name) => !this.#original.has(name));
    if (unknown.length > 0) await this.#admit(unknown);
    // What an earlier trial had changed and this one does not mention is the server's own again.
    for (const [name, value] of this.#original) if (!wanted.has(name)) wanted.set(name, value);

    // A restart forgets what CONFIG SET did, so it comes first.
    const atStart = await this.#differing(wanted, (name) => this.#immutable.has(name));
    if (atStart.length > 0)
      await this.#changes.make(...atStart.map((change) => this.#byRestart(change, wanted)));
    const running = await this.#differing(wanted, (name) => !this.#immutable.has(name));
    if (running.length > 0) await this.#changes.make(...running.map((change) => this.#byConfigSet(change)));
  }

  /** Learns the settings' present values, and which of them only a restart can change. */
  async #admit(names: readonly string[], journal?: Journal): Promise<void> {
    const { address, restart, yes } = this.#plan;
    for (const name of names) checkSettingName(name);
    const what = `${restart === undefined ? 'changing' : 'changing or restarting for'} ${names.join(', ')}`;
    await demandPermission(this.#client, address, what, yes);
    const present = await this.#get(names);
    for (const name of names) {
      const value = present.get(name);
      if (value === undefined)
        throw new UsageError(
          'unknown-setting',
          `Expected ${name} to be a setting of ${this.#client.where}, but its CONFIG GET knows none of that name.`,
        );
      // The same value again changes nothing, and tells whether we may.
      const [answer] = await this.#client.ask([['CONFIG', 'SET', name, value]]);
      if (answer?.state === 'refused' && isImmutable(answer.error)) {
        if (restart === undefined) throw this.#immutableError(name, value);
        this.#immutable.add(name);
      }
      this.#original.set(name, value);
    }
    if (journal && (await this.#isCluster()))
      await journal({
        type: 'notice',
        code: 'settings-of-one-node',
        message: `${this.#client.where} is a node of a cluster: ${names.join(', ')} is changed there only.`,
      });
  }

  async #differing(
    wanted: ReadonlyMap<string, string>,
    concerns: (name: string) => boolean,
  ): Promise<{ readonly name: string; readonly from: string; readonly to: string }[]> {
    const names = [...wanted.keys()].filter(concerns);
    // One that is down may have fallen in a restart: the next one may raise it.
    const canRaise = names.length > 0 && names.every((name) => this.#immutable.has(name));
    const present = await this.#get(names).catch((error: unknown) => {
      if (canRaise) return new Map<string, string>();
      throw error;
    });
    return names
      .filter((name) => !present.has(name) || !isKept(wanted.get(name)!, present.get(name)!))
      .map((name) => ({ name, from: present.get(name) ?? this.#original.get(name)!, to: wanted.get(name)! }));
  }

  #byConfigSet({ name, from, to }: { name: string; from: string; to: string }): Change {
    return {
      setting: `config:${name}`,
      server: this.#client.where,
      from,
      to,
      apply: () => this.#set(name, to),
      putBack: (original) => this.#set(name, original),
    };
  }

  #byRestart(
    { name, from, to }: { name: string; from: string; to: string },
    wanted: ReadonlyMap<string, string>,
  ): Change {
    return {
      setting: `config:${name}`,
      server: this.#client.where,
      from,
      to,
      command: redactArgv(this.#plan.restart?.argv ?? []),
      // One restart serves all of them.
      apply: () => this.#restartUnless(name, to, wanted),
      putBack: async (original) => {
        await this.#restartUnless(name, original, this.#original);
        for (const [other, value] of this.#original)
          if (!this.#immutable.has(other)) await this.#set(other, value);
      },
    };
  }

  /** @throws {BenchmarkError} setting-not-kept, and those of the restart. */
  async #restartUnless(name: string, value: string, settings: ReadonlyMap<string, string>): Promise<void> {
    if (await this.#has(name, value).catch(() => false)) return;
    const atStart = new Map([...settings].filter(([other]) => this.#immutable.has(other)));
    await restartServer(this.#plan.restart!, atStart, this.#plan.address);
    // The old one holds a connection that is lost, or remembers that nobody answered.
    await this.#client[Symbol.asyncDispose]();
    this.#client = new ControlClient(this.#plan.address);
    await this.#demandKept(name, value, 'after the restart');
  }

  /** @throws {BenchmarkError} setting-refused, setting-not-kept. */
  async #set(name: string, value: string): Promise<void> {
    if (await this.#has(name, value)) return;
    const [answer] = await this.#client.ask([['CONFIG', 'SET', name, value]], setTimeoutMs);
    if (answer?.state === 'refused')
      throw new BenchmarkError(
        'setting-refused',
        `Expected ${this.#client.where} to take ${name}=${value}. ${answer.error.message.trim()}`,
        { cause: answer.error },
      );
    await this.#demandKept(name, value, 'after CONFIG SET');
  }

  async #demandKept(name: string, value: string, when: string): Promise<void> {
    const present = (await this.#get([name])).get(name);
    if (present !== undefined && isKept(value, present)) return;
    throw new BenchmarkError(
      'setting-not-kept',
      `Expected ${this.#client.where} to have ${name}=${value} ${when}, but it says ${present ?? 'nothing of it'}.`,
    );
  }

  async #has(name: string, value: string): Promise<boolean> {
    const present = (await this.#get([name])).get(name);
    return present !== undefined && isKept(value, present);
  }

  /** @throws {BenchmarkError} setting-refused, where CONFIG GET is not allowed. */
  async #get(names: readonly string[]): Promise<Map<string, string>> {
    if (names.length === 0) return new Map();
    const answers = await this.#client.ask(names.map((name) => ['CONFIG', 'GET', name] as const));
    const found = new Map<string, string>();
    for (const [index, answer] of answers.entries()) {
      if (answer.state === 'refused')
        throw new BenchmarkError('setting-refused', answer.error.message, { cause: answer.error });
      const value: unknown = Array.isArray(answer.reply) ? answer.reply[1] : undefined;
      if (value !== undefined) found.set(names[index]!, String(value));
    }
    return found;
  }

  async #isCluster(): Promise<boolean> {
    return parseInfo(await this.#client.askText(['INFO', 'cluster'])).text('cluster_enabled') === '1';
  }

  #immutableError(name: string, value: string): UsageError {
    return new UsageError(
      'immutable-setting',
      `${this.#client.where} takes ${name} (now ${value}) at its start only. --restart-command "COMMAND" names a command of yours that restarts it: {${name}} in it becomes the value.`,
    );
  }
}

/** Since 7: "can't set immutable config". Before that a name that CONFIG GET knows was "unsupported". */
function isImmutable(error: StagewatchError): boolean {
  return /immutable|Unsupported CONFIG parameter/i.test(error.message);
}
