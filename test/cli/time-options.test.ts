import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseSince, parseUntil } from '../../src/cli/time-options.ts';

const NOW = Date.parse('2026-08-18T12:00:00Z');

describe('time options', () => {
  const zone = process.env['TZ'];
  beforeAll(() => {
    // Clocks go forward on 2026-03-29 and back on 2026-10-25.
    process.env['TZ'] = 'Europe/Berlin';
  });
  afterAll(() => {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  });

  it.each([
    ['2026-08-18', '2026-08-17T22:00:00.000Z', '2026-08-18T21:59:59.999Z'],
    ['2026-03-29', '2026-03-28T23:00:00.000Z', '2026-03-29T21:59:59.999Z'],
    ['2026-10-25', '2026-10-24T22:00:00.000Z', '2026-10-25T22:59:59.999Z'],
  ])('take %s for a local day', (text, first, last) => {
    expect(parseSince(text, NOW)).toBe(first);
    expect(parseUntil(text, NOW)).toBe(last);
  });

  it('take a day that begins at one, and the day before it, whole', () => {
    process.env['TZ'] = 'Africa/Cairo';
    try {
      expect(parseUntil('2026-04-23', NOW)).toBe('2026-04-23T21:59:59.999Z');
      expect(parseSince('2026-04-24', NOW)).toBe('2026-04-23T22:00:00.000Z');
      expect(parseUntil('2026-04-24', NOW)).toBe('2026-04-24T20:59:59.999Z');
    } finally {
      process.env['TZ'] = 'Europe/Berlin';
    }
  });

  it.each([
    ['2026-08-18T09:15:02Z', '2026-08-18T09:15:02.000Z'],
    ['2026-08-18T09:15:02.5+02:00', '2026-08-18T07:15:02.500Z'],
    ['2026-08-18t09:15z', '2026-08-18T09:15:00.000Z'],
    ['2026-08-18T09:15', '2026-08-18T07:15:00.000Z'],
    ['2026-08-18 09:15:02', '2026-08-18T07:15:02.000Z'],
    ['0s', '2026-08-18T12:00:00.000Z'],
    ['30m', '2026-08-18T11:30:00.000Z'],
    ['12h', '2026-08-18T00:00:00.000Z'],
    ['7d', '2026-08-11T12:00:00.000Z'],
    ['2w', '2026-08-04T12:00:00.000Z'],
  ])('take %s for one moment', (text, time) => {
    expect(parseSince(text, NOW)).toBe(time);
    expect(parseUntil(text, NOW)).toBe(time);
  });

  it.each([
    '',
    'today',
    '7',
    '-7d',
    '1.5h',
    '7 d',
    '7y',
    '2026-02-30',
    '2026-13-01',
    '2026-8-1',
    '20260818',
    '2026-08-18T25:00Z',
    '2026-08-18T09',
    '999999999w',
    '+012026-01-01',
  ])('refuse %j', (text) => {
    expect(() => parseSince(text, NOW)).toThrow('Give a date');
    expect(() => parseUntil(text, NOW)).toThrow('Give a date');
  });
});
