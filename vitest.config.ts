import { defineConfig } from 'vitest/config';

const asked = (runs: string) => Number(process.env[runs] ?? 0);

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/seed.ts'],
    pool: 'forks',
    // Files share a process and what they import, one after the other: half of the time.
    isolate: false,
    maxWorkers: 3,
    // A hang is a failure; how long a test takes on a busy machine is not.
    testTimeout:
      300_000 * Math.max(1, asked('FAULT_ROUNDS')) +
      2_000 * asked('FUZZ_RUNS') +
      20_000 * asked('DECISION_RUNS'),
    hookTimeout: 120_000,
  },
});
