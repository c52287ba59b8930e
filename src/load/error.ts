import { StagewatchError } from '../error.ts';

/** The load could not be run, or means nothing: exit code 4. Codes are in docs/load.md. */
export class LoadError extends StagewatchError {
  override readonly name = 'LoadError';
}
