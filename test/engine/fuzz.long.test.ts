import { expect, test } from 'vitest';
import { checkSurvival } from './fuzz-check.ts';

test('survives ten minutes of clients that send anything and vanish in mid-command, with flat memory', async () => {
  await expect(checkSurvival(600_000)).resolves.toBeUndefined();
});
