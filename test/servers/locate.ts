import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { serversFolder } from './folder.ts';

/** The path of a program: on PATH, else among the fetched servers, else undefined. */
export function locate(program: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder.startsWith('/'));
  return [...folders, join(serversFolder(), 'bin')]
    .map((folder) => join(folder, program))
    .find((path) => isExecutable(path));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
