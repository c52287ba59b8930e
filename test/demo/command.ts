import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/**
 * Shows a command of stagewatch as a user would type it, and runs it in this terminal.
 * @param shown where what is typed differs from what is run here.
 * @returns its exit code.
 */
export async function stagewatch(args: readonly string[], shown = args): Promise<number> {
  process.stderr.write(`$ stagewatch ${shown.map(quoted).join(' ')}\n`);
  const child = spawn(process.execPath, [program, ...args], { stdio: 'inherit' });
  // A terminal's Ctrl-C reaches the command too. It ends by itself, and we wait: the server must not go before it.
  const hear = (signal: NodeJS.Signals): void => void (signal === 'SIGTERM' && child.kill(signal));
  process.on('SIGINT', hear).on('SIGTERM', hear);
  try {
    const [exitCode] = (await once(child, 'close')) as [number | null];
    return exitCode ?? 1;
  } finally {
    process.off('SIGINT', hear).off('SIGTERM', hear);
  }
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
