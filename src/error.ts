/** A failure that a user can act on: what was expected, what was found, what to do; with a stable code. */
export class StagewatchError extends Error {
  override readonly name: string = 'StagewatchError';
  readonly code: string;

  /** @param code stable, kebab-case; scripts may compare it. */
  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** The user asked for something that cannot be: exit code 2. */
export class UsageError extends StagewatchError {
  override readonly name = 'UsageError';
}

/** Something needed is not installed: exit code 5. */
export class MissingError extends StagewatchError {
  override readonly name = 'MissingError';
}

/** The text of anything thrown, for messages; causes are kept apart. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
