import { parseTime } from '../../model/time.ts';

/** The first and the last second of the years 0 to 9999. */
export const UNIX_MIN = -62_167_219_200n;
export const UNIX_MAX = 253_402_300_799n;

const RFC_3339 =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])[Tt ](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?\s*(?:[Zz]|[+-](?:[01]\d|2[0-3]):?[0-5]\d)$/;

/**
 * Whether a text is a time as the original program reads it: RFC 3339, where a blank may stand for
 * the `T`, blanks may come first, any offset will do, and a second 60 exists. Only an offset that leads
 * out of the years 0 to 9999 will not do.
 */
export function isTime(text: string): boolean {
  const trimmed = text.trimStart();
  if (!RFC_3339.test(trimmed)) return false;
  const year = Number(trimmed.slice(0, 4));
  if ((year === 0 || year === 9999) && parseTime(trimmed) === null) return false;
  const day = Number(trimmed.slice(8, 10));
  if (day <= 28) return true;
  const month = Number(trimmed.slice(5, 7));
  if (month !== 2) return day <= 30 || [1, 3, 5, 7, 8, 10, 12].includes(month);
  return day === 29 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}
