import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildFlameTree } from '../../src/perf/flame-tree.ts';
import { flamegraphHtml } from '../../src/perf/flamegraph-html.ts';
import { functionTotals, unpack } from '../../src/perf/flame-profile.ts';

const script = 'document.title = "x"';

test('a page carries one script, allowed by its hash, and nothing else', () => {
  const html = flamegraphHtml({ title: 'get', facts: [], folded: 'a;b 2\n' }, script);
  const hash = createHash('sha256').update(script).digest('base64');
  expect(html).toContain(`default-src 'none'; script-src 'sha256-${hash}'`);
  expect(html.match(/<script/g)).toHaveLength(2);
  expect(html).not.toMatch(/(src|href)=/);
});

test('hostile names stay text: nothing leaves the JSON, and it reads back as it was', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('</script><script>', '<!--', '\u2028', '"><img>'),
      ),
      (title) => {
        const html = flamegraphHtml({ title, facts: [title], folded: '</script>;<b> 1\n' }, script);
        expect(html.match(/<script/g)).toHaveLength(2);
        expect(html.match(/<\/script/g)).toHaveLength(2);
        const [, json = ''] = /id="data">(.*?)<\/script>/s.exec(html) ?? [];
        const data = JSON.parse(json) as { title: string; names: string[] };
        expect(data.title).toBe(title);
        expect(data.names).toEqual(['</script>', '<b>']);
      },
    ),
  );
});

test('the tree of a page has the totals of its stacks', () => {
  const name = fc.constantFrom('a', 'b', 'c d', '[x+0x1]');
  const stack = fc.tuple(fc.array(name, { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 99 }));
  fc.assert(
    fc.property(fc.array(stack), (stacks) => {
      const folded = stacks.map(([names, count]) => `${names.join(';')} ${count}\n`).join('');
      const tree = buildFlameTree(folded);
      const root = unpack({ title: '', facts: [], unit: '', ...tree });
      const sum = (pick: (names: string[]) => boolean): number =>
        stacks.reduce((total, [names, count]) => total + (pick(names) ? count : 0), 0);
      expect(tree.total).toBe(sum(() => true));
      for (const pool of root.c) expect(pool.v).toBe(sum(([first]) => first === pool.n));
      for (const { name, own, total } of functionTotals(root)) {
        expect(total).toBe(sum((names) => names.slice(1).includes(name)));
        expect(own).toBe(sum((names) => names.length > 1 && names.at(-1) === name));
      }
    }),
  );
});

test('what is no stack is left out', () => {
  expect(buildFlameTree('\nno count\n 3\na;b x\na;b -1\n').total).toBe(0);
});
