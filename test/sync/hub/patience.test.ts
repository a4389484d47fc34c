import { expect, it } from 'vitest';
import { Patience } from '../../../src/sync/hub/patience.ts';

const MB = 1 << 20;

it('waits for what is large as if the line were slow, until it is known', () => {
  const patience = new Patience(15_000);
  expect(patience.untilAnswer(0)).toBe(15_000);
  expect(patience.untilAnswer(MB / 10)).toBeCloseTo(15_000 + MB / 50, 0);
  expect(patience.untilAnswer(MB)).toBe(45_000);

  patience.answered(MB / 2, 500);
  expect(patience.untilAnswer(MB)).toBe(15_000 + 3 * 1000);
  expect(patience.untilAnswer(0)).toBe(15_000);
});

it('learns nothing from small requests, and no end of patience from slow ones', () => {
  const patience = new Patience(15_000);
  patience.answered(MB, 1000);
  patience.answered(100, 5000);
  expect(patience.untilAnswer(MB)).toBe(18_000);
  patience.answered(MB, 3_600_000);
  expect(patience.untilAnswer(MB / 10)).toBeCloseTo(15_000 + MB / 50, 0);
  expect(patience.untilAnswer(MB)).toBe(45_000);
});

it('takes a line that did not answer for one that became slow', () => {
  const patience = new Patience(15_000);
  patience.answered(MB, 1000);
  patience.lost();
  expect(patience.untilAnswer(MB / 10)).toBeCloseTo(15_000 + MB / 50, 0);
  expect(patience.untilAnswer(MB)).toBe(90_000);
});

it('waits for the end of an answer while a kilobyte a second comes, but not for ever at once', () => {
  const patience = new Patience(15_000);
  expect(patience.untilEnd(0)).toBe(15_000);
  expect(patience.untilEnd(MB / 100)).toBeCloseTo(15_000 + MB / 100, 0);
  expect(patience.untilEnd(MB)).toBe(45_000);
});

it('waits twice as long after each loss, and so long that what came last would come again', () => {
  const patience = new Patience(15_000);
  for (let i = 0; i < 3; i++) patience.lost();
  expect(patience.untilEnd(MB)).toBe(360_000);
  expect(patience.untilAnswer(MB)).toBeCloseTo(15_000 + MB / 5, 0);
  patience.arrived(200_000);
  expect(patience.untilEnd(MB)).toBe(400_000);
  patience.arrived(1000);
  expect(patience.untilEnd(MB)).toBe(45_000);
});
