/** What a command replies when it cannot be done; the first word is its kind: `ERR`, `WRONGTYPE`. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

export const wrongType = (): CommandError =>
  new CommandError('WRONGTYPE Operation against a key holding the wrong kind of value');

export const syntaxError = (): CommandError => new CommandError('ERR syntax error');

/** @param name as in COMMAND: `get`, `client|setname`. */
export const wrongArity = (name: string): CommandError =>
  new CommandError(`ERR wrong number of arguments for '${name}' command`);
