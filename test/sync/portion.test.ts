import { expect, it } from 'vitest';
import { Portion } from '../../src/sync/portion.ts';

const KB = 1 << 10;
const fresh = () => new Portion(64 * KB, 1024 * KB);

it('grows fast where all that was sent arrived quickly, up to the most', () => {
  const portion = fresh();
  const sizes = Array.from({ length: 4 }, () => {
    portion.arrived(portion.bytes, 10);
    return portion.bytes / KB;
  });
  expect(sizes).toEqual([256, 1024, 1024, 1024]);
});

it('stays as it is where that took long, or was little, or the clock was set', () => {
  const portion = fresh();
  portion.arrived(portion.bytes, 1001);
  portion.arrived(portion.bytes / 4, 10);
  portion.arrived(portion.bytes, -10);
  expect(portion.bytes).toBe(64 * KB);
});

it('is a quarter after each loss, and then grows slowly', () => {
  const portion = fresh();
  portion.lost();
  expect(portion.bytes).toBe(16 * KB);
  portion.lost();
  expect(portion.bytes).toBe(16 * KB);
  portion.arrived(portion.bytes, 10);
  expect(portion.bytes).toBe(20 * KB);
});
