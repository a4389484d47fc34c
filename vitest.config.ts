import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // Each of two processes loads the sources once, not once for every file.
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
