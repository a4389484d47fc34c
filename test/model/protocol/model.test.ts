import { describe, expect, it } from 'vitest';
import { hunt } from './hunt.mjs';
import { ADVISED_AGAINST, EXTENSIONS, RULES } from './rules.mjs';

/** The check that did not hold, by its name; null when all did. */
function brokenCheck(
  off: readonly string[],
  extensions: readonly string[],
  runs: number,
  seed: number,
) {
  const { result } = hunt({ off: [...ADVISED_AGAINST, ...off], extensions, runs, seed });
  if (!result.failed) return null;
  const error = result.errorInstance;
  return error instanceof Error ? error.message : String(error);
}

describe('the protocol as a model', () => {
  it('holds in the runs of a fixed seed', () => {
    expect(brokenCheck([], EXTENSIONS, 3000, 1)).toBeNull();
  });

  it('holds in the runs of a fresh seed', () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    console.log(`the model at a fresh seed: --seed ${seed} --runs 3000`);
    expect(brokenCheck([], EXTENSIONS, 3000, seed), `seed ${seed}`).toBeNull();
  });
});
