// In place of `ulid`: ids of the same shape and order that follow from the seed.
import { control } from '../control.ts';

const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

function letters(value: number, length: number): string {
  let text = '';
  for (let rest = value, i = 0; i < length; i++, rest = Math.floor(rest / 32)) {
    text = (LETTERS[rest % 32] as string) + text;
  }
  return text;
}

/** Rises within a millisecond and where the clock goes back, as `monotonicFactory` has it. */
export function ulid(now: number): string {
  const { lastUlid } = control;
  const ms = Math.max(now, lastUlid.ms);
  const counter = ms === lastUlid.ms ? lastUlid.counter + 1 : control.random.below(2 ** 30);
  control.lastUlid = { ms, counter };
  return letters(ms, 10) + letters(counter, 16);
}

export function monotonicFactory(): typeof ulid {
  return ulid;
}

/** The time in an id, unix milliseconds. */
export function decodeTime(id: string): number {
  return Array.from(id.slice(0, 10)).reduce((time, digit) => time * 32 + LETTERS.indexOf(digit), 0);
}
