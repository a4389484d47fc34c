import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clockOf, deviceOf, formatVersion, tick, type Clock } from '../../src/model/version.ts';

const clock = fc.record({ ms: fc.nat(2 ** 47), counter: fc.nat(0xffff) });
const after = (a: Clock, b: Clock) => a.ms > b.ms || (a.ms === b.ms && a.counter > b.counter);

describe('versions', () => {
  it('rise with every tick, whatever the physical clock does', () => {
    fc.assert(
      fc.property(
        clock,
        fc.nat(2 ** 47),
        fc.option(clock, { nil: undefined }),
        (last, now, above) => {
          const next = tick(last, now, above);
          expect(after(next, last)).toBe(true);
          if (above) expect(after(next, above)).toBe(true);
          expect(next.ms).toBeGreaterThanOrEqual(now);
          expect(next.counter).toBeLessThanOrEqual(0xffff);
        },
      ),
    );
  });

  it('sort as text as they sort by clock, then device, then content', () => {
    const device = fc.constantFrom('01AAA', '01BBB');
    fc.assert(
      fc.property(clock, device, clock, device, (a, da, b, db) => {
        const x = formatVersion(a, da, 'ffffffffffff');
        const y = formatVersion(b, db, 'ffffffffffff');
        if (after(a, b)) expect(x > y).toBe(true);
        else if (!after(b, a)) expect(x < y).toBe(da < db);
        expect(clockOf(x)).toEqual(a);
        expect(deviceOf(x)).toBe(da);
      }),
    );
  });

  it('put the attempt and the end before the clock', () => {
    fc.assert(
      fc.property(clock, clock, fc.nat(1000), (early, late, attempt) => {
        const version = (c: Clock, n: number, terminal: boolean) =>
          formatVersion(c, '01AAA', '000000000000', { attempt: n, terminal });
        expect(version(early, attempt, true) > version(late, attempt, false)).toBe(true);
        expect(version(early, attempt + 1, false) > version(late, attempt, true)).toBe(true);
        expect(clockOf(version(early, attempt, true))).toEqual(early);
      }),
    );
  });
});
