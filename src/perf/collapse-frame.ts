/**
 * The rules by which folded stacks name frames since 2012 (Brendan Gregg's stackcollapse-perf), so that stacks folded
 * here and there can be compared.
 */
export type Annotation = 'kernel' | 'jit' | 'all';

export interface NameRules {
  /** Marks frames of the kernel `_[k]`, of code compiled at run time `_[j]`. */
  readonly annotate?: Annotation | undefined;
  /** Frames of a process called java lose the `L` of their class. */
  readonly isJava?: boolean;
}

const framePattern = /^\s*(\w+)\s*(.+) \((.*)\)/s;
const deletedPattern = /^(.+) \((.*)$/s;
const kernelModule = /^\[|vmlinux$/;
const jitModule = /\/tmp\/perf-\d+\.map/;

/** `operator->` is a name; any other arrow leads to a function that was inlined there, as Java's maps write it. */
const inlineArrow = /(?<!\boperator)->/;

/**
 * The frames of one line of `perf script`, outermost first: `ffffffff8103ce3b native_safe_halt+0x6 ([kernel.kallsyms])`.
 * @returns undefined for a line that is no frame; none for one that names a process.
 */
export function frameNames(line: string, rules: NameRules = {}): string[] | undefined {
  const [, , symbol, module] = framePattern.exec(line) ?? [];
  if (symbol === undefined || module === undefined) return undefined;
  // Its path ends with a bracket of its own: `foo (/usr/bin/valkey-server (deleted))`.
  const [, inner, path] = (module.startsWith('deleted)') && deletedPattern.exec(symbol)) || [];
  const raw = (inner ?? symbol).replace(/\+0x[\da-f]+$/, '');
  if (raw.startsWith('(')) return [];
  const parts = raw.split(inlineArrow);
  while (parts.length > 1 && parts.at(-1) === '') parts.pop();
  return parts.map((part, depth) => mark(tidy(part, path ?? module, rules), path ?? module, depth, rules));
}

function tidy(part: string, module: string, { isJava = false }: NameRules): string {
  let name = part === '[unknown]' ? unknownIn(module) : part;
  name = name.replaceAll(';', ':');
  // Arguments are noise; but a Go method, net/http.(*Client).Do, has its receiver in brackets.
  if (!/\.\(.*\)\./.test(name)) name = name.replace(/\((?!anonymous namespace\)).*/s, '');
  name = name.replaceAll(/["']/g, '');
  if (isJava && name.includes(':')) name = name.replace(/^L/, '');
  return name.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, '?');
}

/** Called after its file, where that is known. */
function unknownIn(module: string): string {
  return module === '[unknown]' ? '[unknown]' : `[${module.slice(module.lastIndexOf('/') + 1)}]`;
}

function mark(name: string, module: string, depth: number, { annotate }: NameRules): string {
  if (depth > 0) return name.includes('_[i]') ? name : `${name}_[i]`;
  if (annotate === undefined) return name;
  const suffix = annotationOf(module, annotate);
  return suffix === '' || (suffix === '_[j]' && name.includes(suffix)) ? name : name + suffix;
}

/** @param module the file or part of the kernel that a frame is in, as perf prints it in brackets. */
export function annotationOf(module: string, annotate: Annotation): '_[k]' | '_[j]' | '' {
  if (annotate !== 'jit' && kernelModule.test(module) && !module.includes('unknown')) return '_[k]';
  return annotate !== 'kernel' && jitModule.test(module) ? '_[j]' : '';
}
