import type { Duplex } from 'node:stream';
import { HELD_FD, HELD_LOAD } from '../../load/hold.ts';
import type { Child } from '../../target/contract.ts';
import type { LoadWindow } from './load-window.ts';

/**
 * The other end of a held load's pipe: the window is opened when it is ready, then it may go, and is closed when its load
 * has ended. Settles only by failing: how the program ends is told by its exit.
 * @throws what the window's observer throws.
 */
export function answerHold(stdio: Child['stdio'], window: LoadWindow): Promise<never> {
  const pipe = stdio[HELD_FD] as Duplex | null | undefined;
  const answer = async (line: string): Promise<void> => {
    if (line === HELD_LOAD.ready) {
      await window.begin();
      pipe?.write(`${HELD_LOAD.go}\n`);
    } else if (line === HELD_LOAD.ended) await window.end();
  };
  return new Promise((_, reject) => {
    let text = '';
    pipe?.on('data', (chunk: Buffer) => {
      const lines = (text + chunk.toString()).split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) answer(line).catch(reject);
    });
  });
}
