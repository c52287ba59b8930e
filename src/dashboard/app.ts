import { randomBytes } from 'node:crypto';
import type { HttpBindings } from '@hono/node-server';
import { Hono, type Context } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { streamSSE, type SSEStreamingApi } from 'hono/streaming';
import { pageHtml } from '../perf/page-html.ts';
import { judgeRequest, type Access } from './access.ts';
import type { LiveSession } from './live-session.ts';
import { metricsText } from './metrics-text.ts';
import { seriesSince, type LiveUpdate } from './update.ts';

export interface AppOptions {
  readonly session: LiveSession;
  readonly access: Access;
  /** Bundled browser code. */
  readonly script: string;
  /** Told when a page connects, and when it goes. */
  readonly watching: (change: 1 | -1) => void;
  /** A page that takes nothing for so long is dropped, ms: its browser comes back by itself. 10 s by default. */
  readonly stallMs?: number;
}

/** How often a page is told of what changed, ms. */
const TICK_MS = 500;
const STALL_MS = 10_000;
/** More pages than this are refused: each costs a reader. */
const MOST_PAGES = 16;
/** A tick without news says that we are still here, ms. */
const ALIVE_MS = 15_000;

/** The live page, its updates, and /metrics. */
export function dashboardApp({
  session,
  access,
  script,
  watching,
  stallMs = STALL_MS,
}: AppOptions): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  // Revisions of another session, which was served here before, mean nothing now.
  const run = randomBytes(6).toString('hex');
  let pages = 0;
  app.use(async (context, next) => {
    const verdict = judgeRequest(
      {
        method: context.req.method,
        host: context.req.header('host'),
        origin: context.req.header('origin'),
        token: context.req.query('token') ?? getCookie(context, cookieOf(context)) ?? bearerOf(context),
      },
      access,
    );
    if (verdict !== 'allowed') return context.text(`${verdict.reason}\n`, verdict.refused);
    await next();
    context.header('Cache-Control', 'no-store');
    context.header('X-Content-Type-Options', 'nosniff');
    context.header('Referrer-Policy', 'no-referrer');
    context.header('Cross-Origin-Resource-Policy', 'same-origin');
    context.header('X-Frame-Options', 'DENY');
  });
  app.get('/', (context) => {
    if (access.token !== undefined)
      setCookie(context, cookieOf(context), access.token, { httpOnly: true, sameSite: 'Strict', path: '/' });
    return context.html(livePage(script));
  });
  app.get('/updates', (context) => {
    if (pages >= MOST_PAGES) return context.text('too many pages are open\n', 503);
    const [, ofRun, revision] = /^(\w+)\.(\d+)$/.exec(context.req.header('last-event-id') ?? '') ?? [];
    const known = ofRun === run ? Number(revision) : -1;
    return streamSSE(context, async (stream) => {
      pages++;
      watching(1);
      try {
        const end = await tell(stream, session, { run, known, stallMs });
        // What it did not take would be kept for it.
        if (end === 'stalled') context.env.outgoing.destroy();
      } finally {
        pages--;
        watching(-1);
      }
    });
  });
  app.get('/detail/:span{[0-9]+}', async (context) => {
    const detail = await session.detail(Number(context.req.param('span')));
    return detail ? context.json(detail) : context.text('nothing was collected of that stage\n', 404);
  });
  app.get('/metrics', async (context) => {
    await session.refresh();
    return context.text(await metricsText(session), 200, {
      'Content-Type': 'text/plain; version=0.0.4; charset=utf-8',
    });
  });
  app.notFound((context) => context.text('not found\n', 404));
  return app;
}

/** Browsers keep cookies by host: a page on another port has its own token. */
function cookieOf(context: Context): string {
  return `stagewatch-${/:(\d+)$/.exec(context.req.header('host') ?? '')?.[1] ?? '80'}`;
}

function bearerOf(context: Context): string | undefined {
  return /^Bearer (.+)$/.exec(context.req.header('authorization') ?? '')?.[1];
}

function livePage(script: string): string {
  return pageHtml({
    title: 'stagewatch',
    noscript: 'This page needs JavaScript; stagewatch show SESSION shows the same as text.',
    data: {},
    script,
    connects: true,
  });
}

/**
 * What changed, at each tick: a page that is slow to read gets fewer and larger updates, never a queue of them.
 * @param known what the page has; after a break it goes on from there. -1: nothing.
 */
async function tell(
  stream: SSEStreamingApi,
  session: LiveSession,
  { run, stallMs, ...page }: { readonly run: string; readonly known: number; readonly stallMs: number },
): Promise<'gone' | 'stalled'> {
  const points = new Map<string, number>();
  let { known } = page;
  let lastMs = 0;
  while (!stream.aborted) {
    await session.refresh();
    const ended = session.ended;
    const delta = session.since(known);
    const series = seriesSince(session.series(), points);
    const isNews = delta.revision > known || series.length > 0;
    if (isNews || ended) {
      const update: LiveUpdate = { ...delta, isWhole: known < 0, series, ended };
      known = delta.revision;
      const data = JSON.stringify(update);
      if (!(await written(stream.writeSSE({ id: `${run}.${known}`, event: 'update', data }), stallMs)))
        return 'stalled';
      lastMs = performance.now();
    } else if (performance.now() - lastMs > ALIVE_MS) {
      if (!(await written(stream.writeSSE({ event: 'alive', data: '' }), stallMs))) return 'stalled';
      lastMs = performance.now();
    }
    // The page fetches the last profiles, then closes: at the end it is the report.
    if (ended) await gone(stream);
    else await stream.sleep(TICK_MS);
  }
  return 'gone';
}

async function gone(stream: SSEStreamingApi): Promise<void> {
  while (!stream.aborted) await stream.sleep(TICK_MS / 5);
}

/** False when the page does not take it. */
async function written(write: Promise<void>, stallMs: number): Promise<boolean> {
  let stalled: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      write.then(() => true),
      new Promise<false>((resolve) => (stalled = setTimeout(() => resolve(false), stallMs))),
    ]);
  } finally {
    clearTimeout(stalled);
  }
}
