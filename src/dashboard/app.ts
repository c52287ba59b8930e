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
}

/** How often a page is told of what changed, ms. */
const TICK_MS = 500;
/** A page that takes nothing for so long is dropped, ms: its browser comes back by itself. */
const STALL_MS = 10_000;
/** More pages than this are refused: each costs a reader. */
const MOST_PAGES = 16;
/** A tick without news says that we are still here, ms. */
const ALIVE_MS = 15_000;

/** The live page, its updates, and /metrics. */
export function dashboardApp({ session, access, script, watching }: AppOptions): Hono {
  const app = new Hono();
  let pages = 0;
  app.use(async (context, next) => {
    const verdict = judgeRequest(
      {
        method: context.req.method,
        host: context.req.header('host'),
        origin: context.req.header('origin'),
        token: context.req.query('token') ?? getCookie(context, COOKIE) ?? bearerOf(context),
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
      setCookie(context, COOKIE, access.token, { httpOnly: true, sameSite: 'Strict', path: '/' });
    return context.html(livePage(script));
  });
  app.get('/updates', (context) => {
    if (pages >= MOST_PAGES) return context.text('too many pages are open\n', 503);
    const last = Number(context.req.header('last-event-id') ?? -1);
    return streamSSE(context, async (stream) => {
      pages++;
      watching(1);
      try {
        await tell(stream, session, Number.isInteger(last) ? last : -1);
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

const COOKIE = 'stagewatch';

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
 * @param revision what the page has; after a break it goes on from there.
 */
async function tell(stream: SSEStreamingApi, session: LiveSession, revision: number): Promise<void> {
  const points = new Map<string, number>();
  let known = revision;
  let lastMs = 0;
  while (!stream.aborted) {
    await session.refresh();
    const ended = session.ended;
    const delta = session.since(known);
    const series = seriesSince(session.series(), points);
    const isNews = delta.revision > known || series.length > 0;
    if (isNews || ended) {
      const update: LiveUpdate = { ...delta, series, ended };
      known = delta.revision;
      if (
        !(await written(
          stream.writeSSE({ id: String(known), event: 'update', data: JSON.stringify(update) }),
        ))
      )
        return;
      lastMs = performance.now();
    } else if (performance.now() - lastMs > ALIVE_MS) {
      if (!(await written(stream.writeSSE({ event: 'alive', data: '' })))) return;
      lastMs = performance.now();
    }
    // The page fetches the last profiles, then closes: at the end it is the report.
    if (ended) return await gone(stream);
    await stream.sleep(TICK_MS);
  }
}

async function gone(stream: SSEStreamingApi): Promise<void> {
  while (!stream.aborted) await stream.sleep(TICK_MS / 5);
}

/** False when the page does not take it. */
async function written(write: Promise<void>): Promise<boolean> {
  let stalled: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      write.then(() => true),
      new Promise<false>((resolve) => (stalled = setTimeout(() => resolve(false), STALL_MS))),
    ]);
  } finally {
    clearTimeout(stalled);
  }
}
