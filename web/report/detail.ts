import type { PageSpan, SpanDetail } from '../../src/report/page-data.ts';

const known = new WeakMap<PageSpan, Promise<SpanDetail | undefined>>();

/** What hooks left for a span, unpacked once; undefined where it is not on this page. */
export function detailOf(span: PageSpan): Promise<SpanDetail | undefined> {
  let detail = known.get(span);
  if (detail === undefined) {
    detail = read(span);
    known.set(span, detail);
    // The server may be back when it is asked for again.
    void detail.then((found) => found === undefined && known.delete(span));
  }
  return detail;
}

function read({ id, detail }: PageSpan): Promise<SpanDetail | undefined> {
  if (detail.state === 'here') return unpack(detail.packed);
  return detail.state === 'server' ? ask(id) : Promise.resolve(undefined);
}

/** Of the live page's server; undefined when it is gone. */
async function ask(id: number): Promise<SpanDetail | undefined> {
  try {
    const answer = await fetch(`detail/${id}`);
    return answer.ok ? ((await answer.json()) as SpanDetail) : undefined;
  } catch {
    return undefined;
  }
}

async function unpack(packed: string): Promise<SpanDetail> {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return JSON.parse(await new Response(stream).text()) as SpanDetail;
}
