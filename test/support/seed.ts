import fc from 'fast-check';

/**
 * Where everything drawn at random begins: the same in every run, so that a red test is about the
 * change and not about luck. `SEED=… npm test` looks elsewhere.
 */
export const SEED = Number(process.env['SEED'] ?? 1);

fc.configureGlobal({ seed: SEED });
