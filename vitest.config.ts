import { defineConfig } from 'vitest/config';

// Real servers and real perf share two cores: files run one after the other, so that no test measures its neighbour.
export default defineConfig({
  resolve: { alias: { 'stagewatch/hook': new URL('./src/hook/index.ts', import.meta.url).pathname } },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/**/*.long.test.ts'],
    fileParallelism: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default'],
  },
});
