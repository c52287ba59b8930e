const inherited =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_[A-Z]+|TERM|TZ|TMPDIR|SSH_AUTH_SOCK|XDG_[A-Z_]+)$/;

/** What a child gets to see: enough to run, none of the secrets that an environment may hold. */
export function childEnvironment(
  added: Readonly<Record<string, string>> = {},
  ours: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const kept = Object.entries(ours).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && inherited.test(entry[0]),
  );
  return { ...Object.fromEntries(kept), ...added };
}
