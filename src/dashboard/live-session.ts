import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PageSession, PageSpan } from '../report/page-data.ts';
import { toPageSpan } from '../report/page-session.ts';
import { drawnSeries } from '../report/page.ts';
import { reportOf, zeroOf } from '../report/read-report.ts';
import type { Report, SpanTarget } from '../report/report.ts';
import { SeriesCollector, type SeriesGroup } from '../report/series.ts';
import { readSpanDetail } from '../report/span-detail.ts';
import { readSpanFile } from '../report/span-file.ts';
import type { JournalLine } from '../session/events.ts';
import { SESSION_FILES } from '../session/layout.ts';
import { Tail } from './tail.ts';

/** A part of the session, and when it last changed. */
interface Part {
  json: string;
  revision: number;
}

/** What a page is told of: all that changed since a revision. Series are told apart, by how many points it has. */
export interface LiveDelta {
  readonly revision: number;
  readonly parts: Partial<Omit<PageSession, 'series' | 'spans'>>;
  readonly spans: readonly PageSpan[];
}

/** Follows a session folder while it is written. Who watches it only reads: it cannot hold up who writes. */
export class LiveSession implements AsyncDisposable {
  readonly #folder: string;
  readonly #journal: Tail;
  readonly #metrics: Tail;
  readonly #events: JournalLine[] = [];
  readonly #targets = new Map<string, readonly SpanTarget[]>();
  readonly #parts = new Map<string, Part>();
  readonly #spans = new Map<number, Part & { span: PageSpan }>();
  #collector: SeriesCollector | undefined;
  #report: Report | undefined;
  #info: Record<string, unknown> = {};
  #revision = 0;
  #badLines = 0;
  #ended = false;
  #refreshing: Promise<void> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    this.#journal = new Tail(join(folder, SESSION_FILES.events));
    this.#metrics = new Tail(join(folder, SESSION_FILES.metrics));
  }

  /** The session has ended, and all of it was read. */
  get ended(): boolean {
    return this.#ended;
  }

  get report(): Report | undefined {
    return this.#report;
  }

  /** Reads what was written since the last call. Who asks while it reads gets what that brings. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  async #refresh(): Promise<void> {
    const journalled = await this.#journal.read();
    for (const line of journalled) this.#accept(line);
    const sampled = await this.#metrics.read();
    this.#collector ??=
      this.#events.length > 0
        ? new SeriesCollector(zeroOf({ events: this.#events }), drawnSeries)
        : undefined;
    for (const line of sampled) this.#collector?.take(line);
    if (journalled.length > 0) await this.#rebuild();
  }

  /** What changed since a revision; all of it since -1. */
  since(revision: number): LiveDelta {
    const parts = [...this.#parts].filter(([, part]) => part.revision > revision);
    return {
      revision: this.#revision,
      parts: Object.fromEntries(parts.map(([name, { json }]) => [name, JSON.parse(json) as unknown])),
      spans: [...this.#spans.values()].filter((span) => span.revision > revision).map(({ span }) => span),
    };
  }

  series(): SeriesGroup[] {
    return this.#collector?.groups('whole') ?? [];
  }

  /** What hooks left for a span: collected ones only. */
  async detail(id: number): Promise<object | undefined> {
    const span = this.#report?.spans.find((candidate) => candidate.id === id);
    if (span?.folder === undefined) return undefined;
    return await readSpanDetail(this.#folder, span);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#journal[Symbol.asyncDispose]();
    await this.#metrics[Symbol.asyncDispose]();
  }

  #accept(line: string): void {
    try {
      const event = JSON.parse(line) as JournalLine;
      this.#events.push(event);
      if (event.type === 'session' && event.state === 'ended') this.#ended = true;
    } catch {
      this.#badLines++;
    }
  }

  async #rebuild(): Promise<void> {
    if (this.#ended || this.#report === undefined) this.#info = await this.#readInfo();
    const report = await reportOf(
      { folder: this.#folder, info: this.#info, events: this.#events, badLines: this.#badLines },
      (path) => this.#readTargets(path),
    );
    this.#report = report;
    const next = this.#revision + 1;
    const { session, asked, answer, warnings, hooks, targets, host, trials } = report;
    const parts: Partial<PageSession> = {
      head: session,
      asked,
      answer,
      warnings,
      hooks,
      targets,
      host,
      trials,
    };
    for (const [name, value] of Object.entries(parts)) this.#note(this.#parts, name, value, next);
    for (const span of report.spans) {
      const page = toPageSpan(span, span.folder === undefined ? { state: 'none' } : { state: 'server' });
      if (this.#note(this.#spans, span.id, page, next))
        Object.assign(this.#spans.get(span.id)!, { span: page });
    }
  }

  /** Keeps a part if it changed. */
  #note<Key>(parts: Map<Key, Part>, key: Key, value: unknown, next: number): boolean {
    const json = JSON.stringify(value ?? null);
    if (parts.get(key)?.json === json) return false;
    parts.set(key, { json, revision: next });
    this.#revision = next;
    return true;
  }

  /** Written once, when its span is collected: read once. */
  async #readTargets(path: string): Promise<readonly SpanTarget[] | undefined> {
    const known = this.#targets.get(path);
    if (known) return known;
    const read = await readSpanFile(path);
    if (read) this.#targets.set(path, read);
    return read;
  }

  async #readInfo(): Promise<Record<string, unknown>> {
    try {
      return JSON.parse(await readFile(join(this.#folder, SESSION_FILES.session), 'utf8')) as Record<
        string,
        unknown
      >;
    } catch {
      return {}; // not written yet
    }
  }
}
