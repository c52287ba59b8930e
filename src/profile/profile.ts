import { z } from 'zod';

/** Options of one hook, as written; the hook's own schema checks them. */
export type HookOptions = Readonly<Record<string, unknown>>;

export const profileSchema = z.strictObject({
  version: z.literal(1).optional(),
  description: z.string().default(''),
  /** Stages to profile; all of them without any. */
  watch: z.array(z.string().min(1)).default([]),
  /** Stages to leave out. */
  skip: z.array(z.string().min(1)).default([]),
  hooks: z.record(z.string(), z.record(z.string(), z.unknown()).nullable()).default({}),
});

/** Which hooks run on which stages. */
export interface Profile {
  readonly description: string;
  readonly watch: readonly string[];
  readonly skip: readonly string[];
  /** By hook name, or path of a hook's file; in order. */
  readonly hooks: ReadonlyMap<string, HookOptions>;
}

export const emptyProfile: Profile = { description: '', watch: [], skip: [], hooks: new Map() };

/** Later profiles win: their stages replace, their hooks are added, options of one hook are merged. */
export function mergeProfiles(profiles: readonly Profile[]): Profile {
  let merged = emptyProfile;
  for (const profile of profiles) {
    const hooks = new Map(merged.hooks);
    for (const [name, options] of profile.hooks) hooks.set(name, { ...hooks.get(name), ...options });
    merged = {
      description: profile.description || merged.description,
      watch: profile.watch.length > 0 ? profile.watch : merged.watch,
      skip: [...merged.skip, ...profile.skip],
      hooks,
    };
  }
  return merged;
}
