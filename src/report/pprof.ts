import { gzipSync } from 'node:zlib';
import {
  Function as Func,
  Label,
  Line,
  Location,
  Profile,
  Sample,
  StringTable,
  ValueType,
} from 'pprof-format';
import { type ExportSource, profilesOf } from './export-source.ts';

/**
 * A profile for pprof, gzipped as it wants it: CPU samples and their time, waits, each sample with its stage, span and
 * target as labels (`pprof -tagfocus stage=vec-query`).
 */
export async function pprof(source: ExportSource): Promise<Uint8Array[]> {
  const stringTable = new StringTable();
  const text = (value: string): number => stringTable.dedup(value);
  const functions: Func[] = [];
  const locations: Location[] = [];
  const ids = new Map<string, number>();
  const samples: Sample[] = [];
  const locationOf = (name: string): number => {
    let id = ids.get(name);
    if (id !== undefined) return id;
    id = ids.size + 1;
    ids.set(name, id);
    functions.push(new Func({ id, name: text(name), systemName: text(name) }));
    locations.push(new Location({ id, line: [new Line({ functionId: id })] }));
    return id;
  };
  let periodNs = 0;
  let hasWaits = false;
  for await (const { span, target, kind, stacks, periodNs: known = 0 } of profilesOf(source)) {
    if (kind === 'off-CPU') hasWaits = true;
    else periodNs = known;
    const label = [
      new Label({ key: text('stage'), str: text(span.stage) }),
      new Label({ key: text('target'), str: text(target) }),
      new Label({ key: text('span'), num: span.id }),
    ];
    for (const { stack, weight } of stacks) {
      const value =
        kind === 'on-CPU' ? [weight, Math.round(weight * known), 0] : [0, 0, Math.round(weight * 1_000)];
      // The leaf first.
      const locationId = stack.map(locationOf).reverse();
      samples.push(new Sample({ locationId, value, label }));
    }
  }
  const nanoseconds = text('nanoseconds');
  const cpu = new ValueType({ type: text('cpu'), unit: nanoseconds });
  const profile = new Profile({
    sampleType: [
      new ValueType({ type: text('samples'), unit: text('count') }),
      cpu,
      new ValueType({ type: text('wait'), unit: nanoseconds }),
    ],
    sample: samples,
    function: functions,
    location: locations,
    stringTable,
    timeNanos: BigInt(Date.parse(source.report.session.startedAt) || 0) * 1_000_000n,
    durationNanos: BigInt(Math.round(source.report.session.lastedMs * 1e6)),
    periodType: cpu,
    period: Math.round(periodNs),
    // Without it pprof shows the last.
    defaultSampleType: text(samples.length > 0 && periodNs === 0 && hasWaits ? 'wait' : 'samples'),
  });
  return [gzipSync(profile.encode())];
}
