import type { PageSpan, SpanDetail } from '../../src/report/page-data.ts';

const known = new WeakMap<PageSpan, Promise<SpanDetail | undefined>>();

/** What hooks left for a span, unpacked once; undefined where it is not on this page. */
export function detailOf(span: PageSpan): Promise<SpanDetail | undefined> {
  let detail = known.get(span);
  if (detail === undefined) {
    detail = span.detail.state === 'here' ? unpack(span.detail.packed) : Promise.resolve(undefined);
    known.set(span, detail);
  }
  return detail;
}

async function unpack(packed: string): Promise<SpanDetail> {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return JSON.parse(await new Response(stream).text()) as SpanDetail;
}
