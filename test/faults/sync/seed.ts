import { vi } from 'vitest';
import { Random } from '../../simulation/random.ts';

/** The numbers of one test, from a seed that is printed: `SEED=… npx vitest run …` repeats it. */
export function seeded(test: string): Random {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000_000);
  console.log(`${test}: SEED=${seed}`);
  return new Random(seed);
}

/** How often a fault is repeated: `FAULT_ROUNDS=10` makes a long run of it. */
export function rounds(count: number): number {
  return Math.ceil(count * Number(process.env['FAULT_ROUNDS'] ?? 1));
}

// Coming to rest alone may take a minute on a busy machine.
vi.setConfig({ testTimeout: 180_000 * rounds(1) });
