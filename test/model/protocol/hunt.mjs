import fc from 'fast-check';
import { finish } from './checks.mjs';
import { EXTENDED_WEIGHTS, FAULTS, WEIGHTS, enable, step } from './operations.mjs';
import { World } from './world.mjs';

/** Plays a list of operations, heals, and checks. @throws `Violation` a check that does not hold */
export function play(list, off, trace = null, stats = null) {
  const w = new World(off, trace);
  for (const d of w.devices) if (d.i < 2) enable(w, d); // the third enables when drawn, or at the end
  for (const operation of list) step(w, operation);
  finish(w);
  if (!stats) return;
  for (const [name, value] of Object.entries(w.stats)) {
    const held = stats[name] ?? 0;
    stats[name] = name === 'rounds' ? Math.max(held, value) : held + value;
  }
}

/**
 * Lists of operations, those of the given extensions among them. Each list leaves out a random set of
 * faults; what remains of 60 to 100 operations is about 40 to 80.
 */
function lists(extensions, minLength) {
  const weights = { ...WEIGHTS };
  for (const extension of extensions) {
    for (const [k, weight] of Object.entries(EXTENDED_WEIGHTS[extension])) {
      weights[k] = (weights[k] ?? 0) + weight;
    }
  }
  const kinds = Object.entries(weights).map(([k, weight]) => ({
    weight,
    arbitrary: fc.constant(k),
  }));
  const operation = fc.record({
    k: fc.oneof(...kinds),
    d: fc.nat(4),
    x: fc.nat(59),
    y: fc.nat(59),
  });
  return fc
    .tuple(fc.array(operation, { minLength, maxLength: 100, size: 'max' }), fc.subarray(FAULTS))
    .map(([list, without]) => list.filter(({ k }) => !without.includes(k)));
}

/** Draws and plays `runs` lists. @returns what fast-check reports, and the sums of what happened */
export function hunt({ off, extensions, runs, seed, shrink = false }) {
  const stats = {};
  const property = fc.property(lists(extensions, shrink ? 0 : 60), (list) => {
    play(list, off, null, stats);
  });
  const result = fc.check(property, { numRuns: runs, seed, endOnFailure: !shrink });
  return { result, stats };
}
