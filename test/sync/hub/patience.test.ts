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
  expect(patience.untilAnswer(MB)).toBeCloseTo(15_000 + MB / 5, 0);
});

it('takes a line that did not answer for one that became slow', () => {
  const patience = new Patience(15_000);
  patience.answered(MB, 1000);
  patience.unanswered(MB);
  expect(patience.untilAnswer(MB / 10)).toBeCloseTo(15_000 + MB / 50, 0);
  expect(patience.untilAnswer(MB)).toBe(90_000);
});

it('waits for the end of an answer while a kilobyte a second comes, but not for ever at once', () => {
  const patience = new Patience(15_000);
  expect(patience.untilEnd(0)).toBe(15_000);
  expect(patience.untilEnd(MB / 100)).toBeCloseTo(15_000 + MB / 100, 0);
  expect(patience.untilEnd(MB)).toBe(45_000);
});

it('waits twice as long after each loss of what cannot be smaller, and so long that it would come again', () => {
  const patience = new Patience(15_000);
  for (let i = 0; i < 3; i++) patience.unanswered(MB);
  expect(patience.untilAnswer(MB)).toBeCloseTo(15_000 + MB / 5, 0);
  // What is smaller and arrives in between tells nothing of it, nor do answers.
  patience.answered(100_000, 7_000);
  patience.ended(2 * MB, 1000);
  expect(patience.untilAnswer(MB)).toBeGreaterThan(200_000);
  patience.answered(MB, 80_000);
  expect(patience.untilAnswer(MB)).toBe(160_000);
  patience.answered(MB, 1000);
  patience.unanswered(100);
  patience.answered(100, 10);
  expect(patience.untilAnswer(10 * MB)).toBe(45_000);
});

it('waits for the end of an answer twice as long after each that broke off', () => {
  const patience = new Patience(15_000);
  for (let i = 0; i < 2; i++) patience.broken(90_000);
  patience.ended(1000, 10);
  expect(patience.untilEnd(MB)).toBe(180_000);
  expect(patience.untilAnswer(MB)).toBe(45_000);
  patience.ended(100_000, 10);
  expect(patience.untilEnd(MB)).toBe(45_000);
});
