/** The tables of one thread in the processed profile format of profiler.firefox.com: columns instead of objects. */

/** Indices into the categories of the profile. */
export const categories = ['Other', 'User', 'Kernel', 'No symbol'] as const;
const categoryColors = ['grey', 'yellow', 'orange', 'lightblue'] as const;
export const categoryList = categories.map((name, index) => ({
  name,
  color: categoryColors[index],
  subcategories: ['Other'],
}));

/** Where user space enters the kernel; all that is called from there is the kernel's. */
const kernelEntry =
  /^(entry_SYSCALL|entry_SYSENTER|asm_(sysvec|exc|common)_|ret_from_fork|el0t?_|\[kernel\]$)/;

export interface ThreadHead {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly isMainThread: boolean;
  readonly processName: string;
}

export interface StageMarker {
  readonly stage: string;
  readonly span: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** @param stacks one for each time, outermost frame first. @param weights where they are not samples. */
export function firefoxThread(
  head: ThreadHead,
  timesMs: readonly number[],
  stacks: readonly (readonly string[])[],
  markers: readonly StageMarker[],
): object {
  const strings = new Map<string, number>();
  const stringOf = (text: string): number => numberOf(strings, text);
  const functions = new Map<number, number>();
  const nodes = new Map<string, number>();
  const stackTable = { frame: [] as number[], prefix: [] as (number | null)[], category: [] as number[] };
  const stackIds = stacks.map((stack) => {
    let prefix: number | null = null;
    let category = 0;
    for (const name of stack) {
      const func = numberOf(functions, stringOf(name));
      const key = `${prefix} ${func}`;
      category = categoryOf(name, category);
      let node = nodes.get(key);
      if (node === undefined) {
        nodes.set(key, (node = nodes.size));
        stackTable.frame.push(func);
        stackTable.prefix.push(prefix);
        stackTable.category.push(category);
      }
      prefix = node;
    }
    return prefix;
  });
  const { size } = functions;
  const column = <Value>(value: Value): Value[] => Array.from({ length: size }, () => value);
  const stageName = stringOf('Stage');
  return {
    ...head,
    pid: String(head.pid),
    processType: 'default',
    processStartupTime: 0,
    processShutdownTime: null,
    registerTime: 0,
    unregisterTime: null,
    pausedRanges: [],
    samples: {
      length: timesMs.length,
      stack: stackIds,
      time: timesMs,
      weight: null,
      weightType: 'samples',
    },
    markers: {
      length: markers.length,
      name: markers.map(() => stageName),
      startTime: markers.map(({ startMs }) => startMs),
      endTime: markers.map(({ endMs }) => endMs),
      // An interval.
      phase: markers.map(() => 1),
      category: markers.map(() => 0),
      data: markers.map(({ stage, span }) => ({ type: 'Stage', stage, span })),
    },
    stackTable: { length: nodes.size, ...stackTable, subcategory: stackTable.frame.map(() => 0) },
    frameTable: {
      length: size,
      // No addresses: what is known are names.
      address: column(-1),
      inlineDepth: column(0),
      category: column(null),
      subcategory: column(0),
      func: [...functions.values()],
      nativeSymbol: column(null),
      innerWindowID: column(null),
      implementation: column(null),
      line: column(null),
      column: column(null),
    },
    funcTable: {
      length: size,
      name: [...functions.keys()],
      isJS: column(false),
      relevantForJS: column(false),
      resource: column(-1),
      fileName: column(null),
      lineNumber: column(null),
      columnNumber: column(null),
    },
    resourceTable: { length: 0, lib: [], name: [], host: [], type: [] },
    nativeSymbols: { length: 0, address: [], functionSize: [], libIndex: [], name: [] },
    stringArray: [...strings.keys()],
  };
}

function numberOf<Key>(ids: Map<Key, number>, key: Key): number {
  const id = ids.get(key) ?? ids.size;
  if (id === ids.size) ids.set(key, id);
  return id;
}

/** @param caller category of the frame that calls this one. */
function categoryOf(name: string, caller: number): number {
  const kernel = 2;
  if (caller === kernel || kernelEntry.test(name)) return kernel;
  return name.startsWith('[') ? 3 : 1;
}
