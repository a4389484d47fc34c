import { decodeTime } from 'ulid';
import { expect, it } from 'vitest';
import { newUlid } from '../../src/areas/new-id.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const YEARS = 10 * 365 * 24 * 60 * 60_000;

it('ids of one millisecond rise', () => {
  const ids = Array.from({ length: 1000 }, () => newUlid(NOW));
  expect(ids).toEqual([...ids].sort());
  expect(new Set(ids).size).toBe(ids.length);
});

it('an id has the time of its moment, also after a clock that was ahead was set back', () => {
  expect(decodeTime(newUlid(NOW + YEARS))).toBe(NOW + YEARS);
  expect(decodeTime(newUlid(NOW))).toBe(NOW);
});
