import { describe, expect, it } from 'vitest';
import {
  HubAccessError,
  HubBusyError,
  HubForeignError,
  HubRefusedError,
  HubUnreachableError,
} from '../../../src/errors.ts';
import { backoffMs, isPassing, jitter, waitMs } from '../../../src/sync/worker/backoff.ts';

const away = new HubUnreachableError('no answer');
const highest = () => 0.999_999_999;

describe('backoffMs', () => {
  it('waits up to 1, 2, 4, 8, 16 and then 30 seconds', () => {
    const ceilings = [0, 1, 2, 3, 4, 5, 6, 100].map((n) => Math.round(backoffMs(n, highest)));

    expect(ceilings).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });

  it('takes any time from none to the longest', () => {
    expect([0, 0.25, 0.5].map((at) => backoffMs(3, () => at))).toEqual([0, 2000, 4000]);
  });
});

describe('waitMs', () => {
  it('waits at least as long as the hub asks for', () => {
    expect(waitMs(new HubBusyError('busy', 7000), 0, highest)).toBe(7000);
    expect(waitMs(new HubBusyError('busy', 7000), 5, highest)).toBeCloseTo(30_000, 0);
    expect(waitMs(new HubBusyError('busy'), 0, () => 0.5)).toBe(500);
  });

  it('looks once a minute at a hub that asks for an hour, or a year', () => {
    for (const asked of [3_600_000, 365 * 86_400_000]) {
      expect(waitMs(new HubBusyError('busy', asked), 0, () => 0)).toBe(45_000);
      expect(waitMs(new HubBusyError('busy', asked), 9, highest)).toBeCloseTo(60_000, 0);
    }
  });

  it('asks again about once a minute after what only a person can mend', () => {
    for (const error of [
      new HubAccessError('401'),
      new HubForeignError('other'),
      new Error('bug'),
    ]) {
      expect(isPassing(error)).toBe(false);
      expect(waitMs(error, 0, () => 0)).toBe(45_000);
      expect(waitMs(error, 9, highest)).toBeCloseTo(60_000, 0);
    }
  });

  it('takes a web page in the way of the hub for something that passes', () => {
    expect(isPassing(new HubRefusedError('a web page'))).toBe(true);
    expect(isPassing(away)).toBe(true);
  });
});

describe('jitter', () => {
  it('spreads a time by a fifth to both sides', () => {
    expect([0, 0.5].map((at) => jitter(60_000, () => at))).toEqual([48_000, 60_000]);
    expect(jitter(60_000, highest)).toBeCloseTo(72_000, 0);
  });
});
