import { type ExportSource, profileName, profilesOf } from './export-source.ts';

/** What speedscope opens: one of its sampled profiles for each span, target and kind of stacks. */
export async function speedscope(source: ExportSource): Promise<string[]> {
  const ids = new Map<string, number>();
  const frameOf = (name: string): number => {
    const id = ids.get(name) ?? ids.size;
    if (id === ids.size) ids.set(name, id);
    return id;
  };
  const profiles: object[] = [];
  for await (const profile of profilesOf(source)) {
    const { stacks, unit, periodNs } = profile;
    // Time where it is known: the frequency makes samples time on a CPU.
    const scale = unit === 'µs' ? 1 : periodNs === undefined ? 1 : periodNs / 1_000;
    const weights = stacks.map(({ weight }) => weight * scale);
    profiles.push({
      type: 'sampled',
      name: profileName(profile),
      unit: unit === 'samples' && periodNs === undefined ? 'none' : 'microseconds',
      startValue: 0,
      endValue: weights.reduce((sum, weight) => sum + weight, 0),
      samples: stacks.map(({ stack }) => stack.map(frameOf)),
      weights,
    });
  }
  const { label, startedAt } = source.report.session;
  const file = {
    $schema: 'https://www.speedscope.app/file-format-schema.json',
    exporter: 'stagewatch',
    name: `${label} ${startedAt}`,
    activeProfileIndex: 0,
    shared: { frames: [...ids.keys()].map((name) => ({ name })) },
    profiles,
  };
  return [`${JSON.stringify(file)}\n`];
}
