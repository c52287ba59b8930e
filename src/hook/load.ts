import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf, UsageError } from '../error.ts';
import { didYouMean } from '../profile/suggest.ts';
import type { Hook } from './contract.ts';

/** .ts when the sources run (tests), .js in dist/. */
const extension = extname(fileURLToPath(import.meta.url));
const hooksFolder = new URL('../../hooks/', import.meta.url);

/** Names of the built-in hooks, sorted. */
export async function builtinHookNames(): Promise<string[]> {
  const files = await readdir(hooksFolder);
  return files
    .filter((file) => file.endsWith(extension) && !file.endsWith('.d.ts'))
    .map((file) => file.slice(0, -extension.length))
    .sort();
}

/** A user's own hook is given by the path of its file. */
export const isHookPath = (name: string): boolean => /[/\\]|\.[cm]?[jt]s$/.test(name);

/**
 * Loads a hook by the name of a built-in one, or by the path of a `.ts` or `.js` file.
 * @throws {UsageError} unknown-hook, bad-hook.
 */
export async function loadHook(nameOrPath: string): Promise<Hook> {
  if (isHookPath(nameOrPath)) return checkHook(await loadUserHook(nameOrPath), nameOrPath);
  const names = await builtinHookNames();
  if (!names.includes(nameOrPath))
    throw new UsageError(
      'unknown-hook',
      `Expected --hook to be one of ${names.join(', ')} or the path of a .ts or .js file, got "${nameOrPath}".${didYouMean(nameOrPath, names)}`,
    );
  const module = (await import(new URL(nameOrPath + extension, hooksFolder).href)) as { default: unknown };
  return checkHook(module.default, nameOrPath);
}

/** jiti, so that TypeScript works on every Node; `stagewatch/hook` is the copy that runs, wherever the file lies. */
async function loadUserHook(path: string): Promise<unknown> {
  const absolute = resolve(path);
  if (!existsSync(absolute))
    throw new UsageError('unknown-hook', `Expected --hook to name a file that is there, got "${path}"`);
  try {
    const { createJiti } = await import('jiti');
    const contract = fileURLToPath(new URL(`./index${extension}`, import.meta.url));
    const jiti = createJiti(import.meta.url, { alias: { 'stagewatch/hook': contract }, fsCache: false });
    return await jiti.import(absolute, { default: true });
  } catch (cause) {
    throw new UsageError('bad-hook', `${path} cannot be loaded: ${messageOf(cause)}`, { cause });
  }
}

function checkHook(value: unknown, from: string): Hook {
  const hook = value as Partial<Hook> | undefined | null;
  const wrong =
    typeof hook !== 'object' || hook === null
      ? 'its default export is not a hook: export default defineHook({...})'
      : typeof hook.name !== 'string' || !/^[a-z0-9][a-z0-9-]*$/.test(hook.name)
        ? 'expected its name to be lower-case words with dashes'
        : typeof hook.probe !== 'function' || typeof hook.arm !== 'function'
          ? 'expected it to have the functions probe and arm'
          : typeof hook.options?.safeParse !== 'function'
            ? 'expected its options to be a zod schema: z.object({...})'
            : hook.target !== 'required' && hook.target !== 'optional'
              ? `expected its target to be 'required' or 'optional'`
              : undefined;
  if (wrong !== undefined) throw new UsageError('bad-hook', `${from} is not a hook: ${wrong}`);
  return hook as Hook;
}
