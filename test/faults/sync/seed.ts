import { Random } from '../../simulation/random.ts';
import { SEED } from '../../support/seed.ts';

/** The numbers of one test, from the seed of the run, which is printed. */
export function seeded(test: string): Random {
  console.log(`${test}: SEED=${SEED}`);
  return new Random(SEED);
}

/** How often a fault is repeated: `FAULT_ROUNDS=10` makes a long run of it. */
export function rounds(count: number): number {
  return Math.ceil(count * Number(process.env['FAULT_ROUNDS'] ?? 1));
}
