import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

const config = mergeConfig(base, defineConfig({ test: { testTimeout: 1_200_000 } }));
config.test!.include = ['test/**/*.long.test.ts'];
config.test!.exclude = [];
export default config;
