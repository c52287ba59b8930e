import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LineCounter, parseDocument, type Document } from 'yaml';
import type { z } from 'zod';
import { messageOf, UsageError } from '../error.ts';
import { profileSchema, type Profile } from './profile.ts';
import { didYouMean } from './suggest.ts';

/** The presets: below the package's root, which is two folders up in the sources and three in dist/. */
export const presetsFolder = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../profiles/' : '../../../profiles/', import.meta.url),
);

/** Names of the presets, sorted. */
export async function presetNames(): Promise<string[]> {
  const files = await readdir(presetsFolder);
  return files
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => basename(file, '.yaml'))
    .sort();
}

const isPath = (name: string): boolean => /[/\\]|\.ya?ml$/.test(name);

/**
 * Loads a profile by the name of a preset, or by the path of a YAML file.
 * @throws {UsageError} unknown-profile, bad-profile (with line and key).
 */
export async function loadProfile(nameOrPath: string): Promise<Profile> {
  const path = isPath(nameOrPath) ? nameOrPath : join(presetsFolder, `${nameOrPath}.yaml`);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const names = await presetNames();
    throw new UsageError(
      'unknown-profile',
      isPath(nameOrPath)
        ? `Expected --profile to be a readable file, got "${nameOrPath}": ${messageOf(cause)}`
        : `Expected --profile to be one of ${names.join(', ')} or the path of a YAML file, got "${nameOrPath}".${didYouMean(nameOrPath, names)}`,
      { cause },
    );
  }
  return parseProfile(text, path);
}

/**
 * @param path where the text is from: for messages, and hooks given by a relative path are looked for beside it.
 * @throws {UsageError} bad-profile.
 */
export function parseProfile(text: string, path: string): Profile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: true });
  const [syntaxError] = document.errors;
  if (syntaxError) throw new UsageError('bad-profile', `${path}: ${syntaxError.message.split('\n')[0]}`);

  // An alias that multiplies itself is refused by the parser (maxAliasCount).
  let given: unknown;
  try {
    given = document.toJS() ?? {};
  } catch (cause) {
    throw new UsageError('bad-profile', `${path}: ${messageOf(cause)}`, { cause });
  }
  const parsed = profileSchema.safeParse(given);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new UsageError('bad-profile', `${path}:${lineOf(document, lines, issue)}: ${describeIssue(issue)}`);
  }
  return {
    description: parsed.data.description,
    watch: parsed.data.watch,
    skip: parsed.data.skip,
    hooks: new Map(
      Object.entries(parsed.data.hooks).map(([name, options]) => [beside(name, path), options ?? {}]),
    ),
  };
}

/** A hook's path in a profile is relative to the profile. */
function beside(hook: string, profile: string): string {
  return /[/\\]/.test(hook) && !isAbsolute(hook) ? resolve(dirname(profile), hook) : hook;
}

function lineOf(document: Document, lines: LineCounter, issue: z.core.$ZodIssue): number {
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]!] : issue.path;
  for (let depth = path.length; depth > 0; depth--) {
    const node = document.getIn(path.slice(0, depth), true) as
      { range?: [number, number, number] } | undefined;
    if (node?.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

/** One sentence: the key, what was expected, what was found. */
export function describeIssue(issue: z.core.$ZodIssue, knownKeys = Object.keys(profileSchema.shape)): string {
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0]!;
    return `unknown key "${key}", expected one of ${knownKeys.join(', ')}.${didYouMean(key, knownKeys)}`;
  }
  const where = issue.path.length > 0 ? `${issue.path.join('.')}: ` : '';
  return `${where}${issue.message}`;
}
