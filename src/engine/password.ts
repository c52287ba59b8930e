import { createHash, timingSafeEqual } from 'node:crypto';

/** @param given as it came, latin1. Takes as long for each wrong one. */
export function isPassword(given: string, password: string): boolean {
  const digest = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
  return timingSafeEqual(digest(Buffer.from(given, 'latin1')), digest(Buffer.from(password)));
}
