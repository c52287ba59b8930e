import { spawnSync } from 'node:child_process';
import { gunzipSync } from 'node:zlib';
import { rm } from 'node:fs/promises';
import { Profile } from 'pprof-format';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { type ExportOptions, exportFormats, exportSession } from '../../src/report/export.ts';
import { locate } from '../servers/locate.ts';
import { needs } from '../servers/need.ts';
import { sessionFolder } from './folder.ts';
import { madeSession } from './made-session.ts';

needs('promtool');

const hostile = 'get:</script>"\'|=cmd()[x](y)@all';
const stages = ['vec-query:ef_10', 'vec-query:ef_20', hostile];
const folded = (stage: number): string =>
  `valkey-server;main;call_${stage} 30\nio_thd;main;<b>;]]> ${10 + stage}\n`;
const made = {
  stages,
  folded,
  offCpu: (): string => 'valkey-server;[poll];main 5000\n',
  metricsSeconds: 4,
  search: true,
} as const;

async function bytes(folder: string, options: ExportOptions): Promise<Buffer> {
  const chunks = [...(await exportSession(folder, options))];
  return Buffer.concat(chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk)));
}

const text = async (folder: string, options: ExportOptions): Promise<string> =>
  (await bytes(folder, options)).toString();

test('pprof: its decoder reads stacks, weights and labels back', async () => {
  await using session = await madeSession(made);
  const profile = Profile.decode(gunzipSync(await bytes(session.folder, { to: 'pprof' })));
  const { strings } = profile.stringTable;
  const nameOf = (id: bigint | number): string =>
    strings[Number(profile.function[Number(id) - 1]?.name)] ?? '';
  const stacks = profile.sample.map(({ locationId, value, label }) => ({
    frames: locationId.map((id) => nameOf(profile.location[Number(id) - 1]?.line[0]?.functionId ?? 0)),
    value: value.map(Number),
    stage: strings[Number(label[0]?.str)],
    span: Number(label[2]?.num),
  }));
  expect(profile.sampleType.map(({ type, unit }) => [strings[Number(type)], strings[Number(unit)]])).toEqual([
    ['samples', 'count'],
    ['cpu', 'nanoseconds'],
    ['wait', 'nanoseconds'],
  ]);
  expect(stacks).toHaveLength(9);
  expect(stacks[0]).toMatchObject({
    frames: ['call_0', 'main', 'valkey-server'],
    stage: 'vec-query:ef_10',
    span: 1,
  });
  expect(stacks[0]?.value[0]).toBe(30);
  expect(stacks.find(({ frames }) => frames.includes('[poll]'))?.value).toEqual([0, 0, 5_000_000]);
});

test('the Chrome trace has a begin and an end for every stage, and counters in order', async () => {
  await using session = await madeSession(made);
  const event = z.discriminatedUnion('ph', [
    z.object({
      ph: z.literal('M'),
      pid: z.int(),
      name: z.literal('process_name'),
      args: z.object({ name: z.string() }),
    }),
    z.object({
      ph: z.enum(['b', 'e']),
      pid: z.int(),
      tid: z.int(),
      ts: z.number(),
      cat: z.string(),
      id: z.string(),
      name: z.string(),
    }),
    z.object({
      ph: z.literal('C'),
      pid: z.int(),
      ts: z.number(),
      name: z.string(),
      args: z.object({ value: z.number() }),
    }),
  ]);
  const trace = z.object({ displayTimeUnit: z.literal('ms'), traceEvents: z.array(event) });
  const { traceEvents } = trace.parse(JSON.parse(await text(session.folder, { to: 'trace' })));
  const open = (cat: string, ph: string): string[] =>
    traceEvents.flatMap((one) => (one.ph === ph && 'cat' in one && one.cat === cat ? [one.id] : []));
  expect(open('stage', 'b')).toEqual(['1', '2', '3']);
  expect(open('hook', 'b').length).toBeGreaterThan(0);
  for (const cat of ['stage', 'hook']) expect(open(cat, 'e').sort()).toEqual(open(cat, 'b').sort());
  const starts = traceEvents.filter((one) => one.ph === 'b' && one.cat === 'stage');
  expect(starts.map((one) => ('ts' in one ? one.ts : 0))).toEqual([1e6, 2e6, 3e6]);
  expect(traceEvents.filter(({ ph }) => ph === 'C').length).toBeGreaterThan(10);
});

test('the Firefox profile has columns of one length, indices that exist, and stages as markers', async () => {
  await using session = await madeSession(made);
  const column = z.array(z.unknown());
  const tableOf = (...names: string[]): z.ZodType<Record<string, unknown[]> & { length: number }> =>
    z
      .object({ length: z.int(), ...Object.fromEntries(names.map((name) => [name, column])) })
      .refine((table) =>
        names.every((name) => (table as unknown as Record<string, unknown[]>)[name]?.length === table.length),
      ) as never;
  const thread = z.object({
    name: z.string(),
    pid: z.string(),
    samples: z.looseObject({
      length: z.int(),
      stack: z.array(z.int().nullable()),
      time: z.array(z.number()),
    }),
    markers: tableOf('name', 'startTime', 'endTime', 'phase', 'category', 'data'),
    stackTable: tableOf('frame', 'prefix', 'category', 'subcategory'),
    frameTable: tableOf('address', 'inlineDepth', 'category', 'func', 'nativeSymbol', 'line', 'column'),
    funcTable: tableOf('name', 'isJS', 'relevantForJS', 'resource', 'fileName'),
    stringArray: z.array(z.string()),
  });
  const file = z.object({
    meta: z.looseObject({ preprocessedProfileVersion: z.literal(47) }),
    threads: z.array(thread),
  });
  const { threads } = file.parse(JSON.parse(await text(session.folder, { to: 'firefox' })));
  expect(threads.map(({ name }) => name)).toEqual(['valkey-server', 'io_thd']);
  const [main] = threads;
  expect(main?.samples.length).toBe(90);
  expect(main?.markers['data']).toMatchObject([
    { stage: stages[0] },
    { stage: stages[1] },
    { stage: hostile },
  ]);
  for (const { samples, stackTable, frameTable, funcTable, stringArray } of threads) {
    expect(samples.stack).toHaveLength(samples.length);
    for (const stack of samples.stack) expect(stack).toBeLessThan(stackTable.length);
    for (const frame of stackTable['frame'] as number[]) expect(frame).toBeLessThan(frameTable.length);
    for (const func of frameTable['func'] as number[]) expect(func).toBeLessThan(funcTable.length);
    for (const name of funcTable['name'] as number[]) expect(name).toBeLessThan(stringArray.length);
    expect(samples.time.every((ms) => ms >= 1_000 && ms <= 3_900)).toBe(true);
  }
});

test('promtool finds nothing to say of the metrics, of hostile names neither', async () => {
  await using session = await madeSession(made);
  const metrics = await text(session.folder, { to: 'openmetrics' });
  const { status, stdout, stderr } = spawnSync(locate('promtool') ?? 'promtool', ['check', 'metrics'], {
    input: metrics,
    encoding: 'utf8',
  });
  expect([status, stdout, stderr]).toEqual([0, '', '']);
  expect(metrics).toContain(
    'stagewatch_span_duration_seconds{session="made",span="1",stage="vec-query:ef_10"} 0.9\n',
  );
  expect(metrics).toContain('stagewatch_metric_mean{');
  expect(metrics.endsWith('# EOF\n')).toBe(true);
});

test('CSV tables hold spans, results and metrics, and no formulas', async () => {
  await using session = await madeSession(made);
  const rows = async (table: 'spans' | 'results' | 'metrics'): Promise<string[]> =>
    (await text(session.folder, { to: 'csv', table })).trimEnd().split('\n');
  expect(await rows('spans')).toHaveLength(4);
  expect((await rows('spans'))[1]).toMatch(/^1,vec-query:ef_10,child,finished,true,false,1,1000,900,/);
  const [head = '', ...results] = await rows('results');
  expect(head.split(',')).toEqual(expect.arrayContaining(['trial', 'stage', 'config.efSearch', 'qps']));
  expect(results).toHaveLength(3);
  expect((await rows('metrics')).length).toBeGreaterThan(10);
  await using formula = await madeSession({ stages: ['=cmd()'], folded });
  expect(await text(formula.folder, { to: 'csv' })).not.toMatch(/(^|,)=/m);
});

test('Markdown and JUnit show hostile names as text', async () => {
  await using session = await madeSession({
    ...made,
    warnings: [{ code: 'late-markers', message: '<img src=x> | @you', span: 3 }],
  });
  const markdown = await text(session.folder, { to: 'markdown' });
  expect(markdown).toContain('| 1 | vec-query:ef\\_10 | 0.900 s |');
  expect(markdown).not.toMatch(/<|@you|[^\\]\[x\]/);
  for (const line of markdown.split('\n').filter((one) => one.startsWith('| 3 | get')))
    expect(line.match(/(?<!\\)\|/g)).toHaveLength(7);
  const xml = await text(session.folder, { to: 'junit' });
  expect(xml).toContain('tests="3" failures="0"');
  expect(xml.replaceAll(/<\/?(testsuites?|testcase|system-out|failure|\?xml)\b[^<>]*>/g, '')).not.toMatch(
    /[<>]|&(?!(amp|lt|gt|quot|#10);)/,
  );
  expect(xml).toContain('late-markers: &lt;img src=x&gt; | @you');
});

test('one span, one stage, or all of a name; anything else is a slip', async () => {
  await using session = await madeSession(made);
  const spans = async (span: string): Promise<string[]> =>
    (await text(session.folder, { to: 'csv', span }))
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.split(',', 1)[0] ?? '');
  expect(await spans('2')).toEqual(['2']);
  expect(await spans('vec-query:ef_10')).toEqual(['1']);
  expect(await spans('vec-query')).toEqual(['1', '2']);
  await expect(spans('9')).rejects.toMatchObject({ code: 'unknown-span' });
  await expect(exportSession('/nowhere', { to: 'csv' })).rejects.toMatchObject({ code: 'not-a-session' });
});

test('a session that crashed in its first stage is exported to everything', async () => {
  await using session = await sessionFolder([
    { type: 'session', state: 'started', folder: '/gone', pid: 1, startTicks: 1, about: {} },
    { type: 'span-start', span: 1, stage: 'get', source: 'child', watched: true },
  ]);
  for (const to of exportFormats) expect((await bytes(session.folder, { to })).length, to).toBeGreaterThan(0);
  expect(await text(session.folder, { to: 'junit' })).toContain('failures="1"');
});

test('artifacts that are gone leave the rest', async () => {
  await using session = await madeSession(made);
  await rm(`${session.folder}/spans`, { recursive: true });
  for (const to of exportFormats) expect((await bytes(session.folder, { to })).length, to).toBeGreaterThan(0);
  expect(await text(session.folder, { to: 'markdown' })).toContain('3 spans');
});
