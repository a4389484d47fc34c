import { Random } from '../simulation/random.ts';
import { SEED } from '../support/seed.ts';

const RUNS = process.env['FUZZ_RUNS'];

/**
 * Calls `one` under many seeds, one after the other, and prints the first; what fails names the command that repeats it.
 *
 * @param everyday - how many runs where nobody asks for another number
 */
export async function fuzz(
  part: string,
  everyday: number,
  one: (random: Random, seed: number) => void | Promise<void>,
): Promise<void> {
  const runs = Number(RUNS ?? everyday);
  console.log(`fuzz ${part}: ${runs} runs from --seed ${SEED}`);
  for (let seed = SEED; seed < SEED + runs; seed++) {
    try {
      await one(new Random(seed), seed);
    } catch (error) {
      const repeat = `npm run test:fuzz -- --part ${part} --runs 1 --seed ${seed}`;
      throw new Error(`${repeat}\n${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }
}

/** Whether nobody chose the number of runs: then they are enough to expect that something was hit. */
export const everydayRuns = RUNS === undefined;
