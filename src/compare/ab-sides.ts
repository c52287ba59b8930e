import { readReport } from '../report/read-report.ts';
import type { Report } from '../report/report.ts';
import { parseStage, stageLabel } from '../stage/stage.ts';
import { at } from './json-path.ts';
import { type Part, readSide, type Side } from './side.ts';

/** Which of the two servers of `stagewatch ab`; its stages end in `:a` and `:b`. */
export type AbTag = 'a' | 'b';

/** The two sides of a session of `stagewatch ab`, a and b; undefined of any other. @throws as readSide. */
export async function abSides(folder: string): Promise<readonly [a: Side, b: Side] | undefined> {
  const { asked } = await readReport(folder, () => false);
  if (asked?.command !== 'ab') return undefined;
  const sides = (['a', 'b'] as const).map((tag) => readSide([folder], partOf(tag, at(asked.question, tag))));
  const [a, b] = await Promise.all(sides);
  return [a!, b!];
}

function partOf(tag: AbTag, server: unknown): Part {
  const [host, port] = [at(server, 'host'), at(server, 'port')];
  return {
    name: `${tag}: ${String(host)}:${String(port)}`,
    stage: (label) => {
      const stage = parseStage(label);
      return stage.tag === tag ? stageLabel({ name: stage.name }) : undefined;
    },
    // Both are profiled in all stages: the other one rests in this one's.
    target: (id, { targets }: Report) =>
      targets.some(({ target, port: own }) => target === id && own === port),
  };
}
