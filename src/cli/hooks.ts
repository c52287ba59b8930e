import { Command } from 'commander';
import { builtinHookNames, loadHook } from '../hook/load.ts';
import { z } from '../hook/index.ts';
import { writeResult } from './output.ts';

interface OptionSchema {
  readonly properties?: Readonly<
    Record<string, { description?: string; default?: unknown; type?: string; enum?: readonly unknown[] }>
  >;
}

export const command = new Command('hooks')
  .summary('list what can be run during stages')
  .description(
    'Lists the built-in hooks and their options. Your own is given by its path: --hook ./my-hook.ts',
  )
  .option('--json', 'as JSON')
  .action(async (flags: { json?: true }) => {
    const hooks = await Promise.all((await builtinHookNames()).map((name) => loadHook(name)));
    const described = hooks.map((hook) => ({
      name: hook.name,
      description: hook.description,
      target: hook.target,
      needs: hook.needs ?? [],
      options: (z.toJSONSchema(hook.options, { io: 'input' }) as OptionSchema).properties ?? {},
    }));
    if (flags.json) {
      writeResult(1, `${JSON.stringify({ version: 1, hooks: described }, undefined, 2)}\n`);
      return;
    }
    const lines = described.flatMap(({ name, description, needs, options }) => [
      `${name}${needs.length > 0 ? ` (with ${needs.join(', ')})` : ''}: ${description}`,
      ...Object.entries(options).map(([key, option]) => {
        const kind = option.enum ? option.enum.join('|') : (option.type ?? '');
        const otherwise = option.default === undefined ? '' : `, default ${JSON.stringify(option.default)}`;
        return `    ${key} (${kind}${otherwise})${option.description ? `: ${option.description}` : ''}`;
      }),
    ]);
    writeResult(1, `${lines.join('\n')}\n`);
  });
