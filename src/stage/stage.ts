/** A stage of a benchmark: `name[:tag]`. Untrusted text: never a path, a shell word or HTML. */
export interface Stage {
  readonly name: string;
  /** All after the first colon. */
  readonly tag?: string;
}

/** Splits `name[:tag]` at the first colon. */
export function parseStage(label: string): Stage {
  const colon = label.indexOf(':');
  return colon < 0 ? { name: label } : { name: label.slice(0, colon), tag: label.slice(colon + 1) };
}

/** `name[:tag]`, as the benchmark printed it. */
export function stageLabel(stage: Stage): string {
  return stage.tag === undefined ? stage.name : `${stage.name}:${stage.tag}`;
}
