import { Command } from 'commander';
import { planHooks } from '../hook/plan.ts';
import { loadProfile, presetNames } from '../profile/load.ts';
import { writeResult } from './output.ts';

const check = new Command('check')
  .description('Checks a profile: its keys, its hooks and their options.')
  .argument('<file>', 'a YAML file, or the name of a preset')
  .action(async (file: string) => {
    const profile = await loadProfile(file);
    const plan = await planHooks(profile.hooks);
    writeResult(1, `${file}: good; it runs ${plan.map(({ hook }) => hook.name).join(', ') || 'no hook'}\n`);
  });

export const command = new Command('profiles')
  .summary('list the presets, or check a profile')
  .description('Lists the presets. A profile of your own is given by its path: --profile ./my-profile.yaml')
  .addCommand(check)
  .action(async () => {
    for (const name of await presetNames()) {
      const { description, hooks } = await loadProfile(name);
      writeResult(1, `${name}: ${description} (${[...hooks.keys()].join(', ')})\n`);
    }
  });
