import { describe, expect, test } from 'vitest';
import { readMarkers } from '../../src/stage/grammar.ts';
import { stageLabel } from '../../src/stage/stage.ts';

const read = (line: string | Buffer) => readMarkers(Buffer.from(line as string));
const labels = (line: string | Buffer) =>
  read(line).map((marker) => `${marker.kind} ${stageLabel(marker.stage)}`);

describe('where a marker stands', () => {
  test.each([
    ['at the start', '[STAGE:START] get', ['start get']],
    ['after a timestamp', '2026-01-01T00:00:00Z INFO [STAGE:START] get:p16', ['start get:p16']],
    ['after tabs and blanks', '[STAGE:START] \t get', ['start get']],
    ['between others', '[STAGE:START] a [STAGE:END] a x=1 [STAGE:START] b', ['start a', 'end a', 'start b']],
    ['after broken ones', '[STAGE:[STAGE:STOP] x[STAGE:END][STAGE:START] b', ['start b']],
    ['without a blank', '[STAGE:START]get', []],
    ['without a name', '[STAGE:START] ', []],
    ['without a name before the tag', '[STAGE:START] :tag', []],
    ['in lower case', '[stage:start] get', []],
    ['cut off', 'x [STAGE:STA', []],
  ])('%s', (_, line, expected) => {
    expect(labels(line)).toEqual(expected);
  });

  test('the tag is all after the first colon', () => {
    expect(read('[STAGE:START] a:b:c=d/e')[0]?.stage).toEqual({ name: 'a', tag: 'b:c=d/e' });
    expect(read('[STAGE:START] a:')[0]?.stage).toEqual({ name: 'a', tag: '' });
  });

  test('a name ends at a blank, a control byte or a quote', () => {
    for (const stop of [' ', '\t', '\0', '\x1b[0m', '\x7f', '"', '\v'])
      expect(labels(`[STAGE:START] get${stop}rest`)).toEqual(['start get']);
  });

  test('hostile names are text, kept as they are', () => {
    for (const name of [
      '../../etc/x',
      'a;rm',
      '$(id)',
      '__proto__',
      '<script>',
      "'",
      'x'.repeat(10_240),
      'größe-向量',
    ])
      expect(labels(`[STAGE:START] ${name}`)).toEqual([`start ${name}`]);
  });

  test('invalid UTF-8 becomes U+FFFD', () => {
    const line = Buffer.concat([Buffer.from('[STAGE:START] a'), Buffer.from([0xff, 0xc3]), Buffer.from('b')]);
    expect(labels(line)).toEqual(['start a\ufffd\ufffdb']);
  });
});

describe('what follows the name', () => {
  test('a duration is in ms, exactly', () => {
    const durations = ['1.234s', '0s', '12s', '1.001s', '0.0005s'].map(
      (text) => read(`[STAGE:END] a duration=${text}`)[0],
    );
    expect(durations.map((marker) => marker?.kind === 'end' && marker.durationMs)).toEqual([
      1234, 0, 12_000, 1001, 0.5,
    ]);
  });

  test.each(['1.234', '1.s', '.5s', '-1s', '1e3s', '1ms', '', `${'9'.repeat(400)}s`])(
    'a duration of %j is a plain attribute',
    (text) => {
      const marker = read(`[STAGE:END] a duration=${text}`)[0];
      expect(marker).toEqual({ kind: 'end', stage: { name: 'a' }, attributes: [['duration', text]] });
    },
  );

  test('a duration at the start marker is a plain attribute', () => {
    expect(read('[STAGE:START] a duration=1s')[0]?.attributes).toEqual([['duration', '1s']]);
  });

  test('key=value words are attributes, in order; other words are not', () => {
    const marker = read('[STAGE:END] a qps=12.5 done =x url=http://h/?a=b duration=2s empty=')[0];
    expect(marker).toEqual({
      kind: 'end',
      stage: { name: 'a' },
      durationMs: 2000,
      attributes: [
        ['qps', '12.5'],
        ['url', 'http://h/?a=b'],
        ['empty', ''],
      ],
    });
  });

  test('colour sequences are passed over', () => {
    const marker = read('\x1b[32m[STAGE:END] a\x1b[0m \x1b[1;31mduration=1.5s\x1b[0m\x1b[2mk=v\x1b[m')[0];
    expect(marker).toMatchObject({ durationMs: 1500, attributes: [['k', 'v']] });
  });

  test('a quote ends the attributes, and so does the next marker', () => {
    expect(read('{"msg":"[STAGE:END] a k=v","t":"x=1"} z=2')[0]?.attributes).toEqual([['k', 'v']]);
    expect(read('[STAGE:END] a k=v[STAGE:END] b x=1').map((marker) => marker.attributes)).toEqual([
      [['k', 'v']],
      [['x', '1']],
    ]);
  });

  test.each(['\\n', '\\r\\n'])(
    'the line end %s that docker logs write out is not part of the last word',
    (eol) => {
      expect(labels(`{"log":"[STAGE:START] get:p16${eol}","stream":"stdout"}`)).toEqual(['start get:p16']);
      const end = read(`{"log":"[STAGE:END] get duration=1.2s${eol}","stream":"stdout"}`)[0];
      expect(end).toEqual({ kind: 'end', stage: { name: 'get' }, durationMs: 1200, attributes: [] });
      expect(labels(`{"log":"[STAGE:START] ${eol}"}`)).toEqual([]);
    },
  );

  test('backslashes elsewhere stay', () => {
    expect(labels('[STAGE:START] a\\n')).toEqual(['start a\\n']);
  });

  test('at most 32 attributes are kept, and the duration after them', () => {
    const words = Array.from({ length: 100 }, (_, i) => `k${i}=v`).join(' ');
    const marker = read(`[STAGE:END] a ${words} duration=1s`)[0];
    expect(marker?.attributes).toHaveLength(32);
    expect(marker).toMatchObject({ durationMs: 1000 });
  });
});
