import { type Finding, ok, unknown, warning } from './check.ts';
import type { StackQuality } from './stack-sample.ts';

/** With fewer samples a share says nothing. */
const fewestSamples = 20;
/** libc and the kernel's doors to it are often stripped in an otherwise good build. */
const muchUnresolved = 0.2;
/** A leaf function called from an assembler stub has no caller even in a good build. */
const muchDepth1 = 0.2;

/** Do the frames of the server have names? */
export function resolvedFinding(quality: StackQuality): Finding {
  const { userFrames, unresolvedUserFrames } = quality;
  const few = tooFew(quality);
  if (few) return few;
  const share = unresolvedUserFrames / userFrames;
  const found = `${percent(share)} of ${userFrames} user frames have no symbol`;
  return share <= muchUnresolved
    ? ok(found)
    : warning(found, 'flame graphs show their addresses in the file; see symbols');
}

/** Do stacks reach beyond their leaf? */
export function depthFinding(quality: StackQuality): Finding {
  const { userStacks, userStacksOfDepth1, event } = quality;
  const few = tooFew(quality);
  if (few) return few;
  const share = userStacksOfDepth1 / userStacks;
  const found = `${percent(share)} of ${userStacks} user stacks have one frame (${event})`;
  return share <= muchDepth1
    ? ok(found)
    : warning(
        found,
        'it seems to be built without frame pointers, so that callers are not known',
        'add --call-graph dwarf (costly), or build it with CFLAGS=-fno-omit-frame-pointer',
      );
}

function tooFew({ samples, userStacks }: StackQuality): Finding | undefined {
  if (userStacks >= fewestSamples) return undefined;
  return unknown(
    samples === 0 ? 'no sample in 200 ms' : `${userStacks} user stacks in 200 ms`,
    'the server does next to nothing: put load on it, and ask again',
  );
}

const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
