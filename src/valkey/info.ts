/** One line of `INFO commandstats`: counts since the server's start, or since CONFIG RESETSTAT. */
export interface CommandStat {
  readonly calls: number;
  readonly usec: number;
  readonly rejectedCalls: number;
  readonly failedCalls: number;
}

export interface Keyspace {
  readonly keys: number;
  readonly expires: number;
  readonly avgTtlMs: number;
}

/** What a server's INFO says. Its text is not trusted: names may be anything, numbers may be none. */
export class Info {
  /** By section as it is titled (`Stats`), by field. */
  readonly sections: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly #fields = new Map<string, string>();

  constructor(sections: ReadonlyMap<string, ReadonlyMap<string, string>>) {
    this.sections = sections;
    for (const section of sections.values())
      for (const [field, value] of section) this.#fields.set(field, value);
  }

  /** Of all sections. */
  get fields(): ReadonlyMap<string, string> {
    return this.#fields;
  }

  text(field: string): string | undefined {
    return this.#fields.get(field);
  }

  /** Undefined where the server says nothing of it, or no number. */
  number(field: string): number | undefined {
    return toNumber(this.#fields.get(field));
  }

  /** By name as the server has it: `get`, `config|get`. */
  get commands(): ReadonlyMap<string, CommandStat> {
    return this.#named('cmdstat_', (pairs) => ({
      calls: toNumber(pairs.get('calls')) ?? 0,
      usec: toNumber(pairs.get('usec')) ?? 0,
      rejectedCalls: toNumber(pairs.get('rejected_calls')) ?? 0,
      failedCalls: toNumber(pairs.get('failed_calls')) ?? 0,
    }));
  }

  /** Since the start, µs: `p50`, `p99`, `p99.9`, as latency-tracking-info-percentiles says. */
  get latencies(): ReadonlyMap<string, ReadonlyMap<string, number>> {
    return this.#named('latency_percentiles_usec_', (pairs) => {
      const numbers = new Map<string, number>();
      for (const [percentile, text] of pairs) {
        const value = toNumber(text);
        if (value !== undefined) numbers.set(percentile, value);
      }
      return numbers;
    });
  }

  /** Error replies by their first word: `WRONGTYPE`. */
  get errors(): ReadonlyMap<string, number> {
    return this.#named('errorstat_', (pairs) => toNumber(pairs.get('count')) ?? 0);
  }

  /** By number of the database. */
  get keyspace(): ReadonlyMap<number, Keyspace> {
    const databases = new Map<number, Keyspace>();
    for (const [field, text] of this.#fields) {
      const number = /^db(\d{1,9})$/.exec(field)?.[1];
      if (number === undefined) continue;
      const pairs = parsePairs(text);
      databases.set(Number(number), {
        keys: toNumber(pairs.get('keys')) ?? 0,
        expires: toNumber(pairs.get('expires')) ?? 0,
        avgTtlMs: toNumber(pairs.get('avg_ttl')) ?? 0,
      });
    }
    return databases;
  }

  /** `search`, `json`, ...: what is loaded into the server. */
  get modules(): readonly string[] {
    const text = [...(this.sections.get('Modules') ?? [])];
    return text.flatMap(([field, value]) =>
      field.startsWith('module') ? (parsePairs(value).get('name') ?? []) : [],
    );
  }

  #named<Value>(prefix: string, make: (pairs: ReadonlyMap<string, string>) => Value): Map<string, Value> {
    const named = new Map<string, Value>();
    for (const [field, text] of this.#fields)
      if (field.startsWith(prefix)) named.set(field.slice(prefix.length), make(parsePairs(text)));
    return named;
  }
}

/** Of any text; what is no line of INFO is left out. Fields before the first title are in the section ''. */
export function parseInfo(text: string): Info {
  const sections = new Map<string, Map<string, string>>();
  let title = '';
  for (const line of text.split('\n')) {
    const clean = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (clean.startsWith('#')) {
      title = clean.slice(1).trim();
      continue;
    }
    const colon = colonOf(clean);
    if (colon <= 0) continue;
    let section = sections.get(title);
    if (!section) sections.set(title, (section = new Map()));
    // Several modules have one field each of the same name.
    let field = clean.slice(0, colon);
    for (let n = 2; section.has(field) && field.startsWith('module'); n++) field = `module#${n}`;
    section.set(field, clean.slice(colon + 1));
  }
  return new Info(sections);
}

/** A command's or an error's name may hold a colon itself. */
function colonOf(line: string): number {
  const value = /^(?:cmdstat_|latency_percentiles_usec_|errorstat_).*:(?=[a-z0-9._]+=)/.exec(line);
  return value ? value[0].length - 1 : line.indexOf(':');
}

/** `calls=1,usec=2` */
function parsePairs(text: string): Map<string, string> {
  const pairs = new Map<string, string>();
  for (const pair of text.split(',')) {
    const equals = pair.indexOf('=');
    if (equals > 0) pairs.set(pair.slice(0, equals), pair.slice(equals + 1));
  }
  return pairs;
}

export function toNumber(text: string | undefined): number | undefined {
  if (text === undefined || !/^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}
