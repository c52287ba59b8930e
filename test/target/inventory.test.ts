import { cpus, totalmem } from 'node:os';
import { expect, test } from 'vitest';
import { readInventory } from '../../src/target/inventory.ts';

test('what the machine is, as its kernel says too', async () => {
  const inventory = await readInventory();
  expect(inventory.cpu?.cores).toBe(cpus().length);
  expect(inventory.memoryBytes).toBe(totalmem());
  expect(inventory.os?.kernel).toMatch(/^\d+\.\d+/);
});
