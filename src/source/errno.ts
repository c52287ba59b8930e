/** Whether a system call failed with that code, such as `ENOENT`. */
export function isCode(thrown: unknown, ...codes: readonly string[]): boolean {
  return thrown instanceof Error && 'code' in thrown && codes.includes(String(thrown.code));
}
