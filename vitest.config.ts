import { defineConfig } from 'vitest/config';

const asked = (runs: string) => Number(process.env[runs] ?? 0);

const shared = {
  setupFiles: 'test/support/seed.ts',
  pool: 'forks' as const,
  // A hang is a failure; how long a test takes on a busy machine is not.
  testTimeout:
    300_000 * Math.max(1, asked('FAULT_ROUNDS')) +
    2_000 * asked('FUZZ_RUNS') +
    20_000 * asked('DECISION_RUNS'),
  hookTimeout: 120_000,
};

const files = (folders: readonly string[]) => folders.map((name) => `test/${name}/**/*.test.ts`);

/** A process for each file: it leaves many open files and much memory behind. */
const ALONE = [
  'test/faults/*.test.ts',
  ...files(['faults/disk', 'faults/files', 'faults/hostile', 'fuzz', 'simulation', 'soak']),
];

// The others share processes and what they import, one file after the other: half of the time.
const SYNC = files(['sync', 'faults/sync', 'faults/devices']);

export default defineConfig({
  test: {
    maxWorkers: 3,
    projects: [
      { test: { ...shared, name: 'alone', include: ALONE } },
      { test: { ...shared, name: 'sync', include: SYNC, isolate: false } },
      {
        test: {
          ...shared,
          name: 'rest',
          include: ['test/**/*.test.ts'],
          exclude: [...ALONE, ...SYNC, '**/node_modules/**'],
          isolate: false,
        },
      },
    ],
  },
});
