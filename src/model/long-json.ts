import { randomUUID } from 'node:crypto';
import { SLICE_UNITS, jsonStringSlices, textSlices } from './text-slices.ts';

/** From so many UTF-16 units on the strings of a value are better spelled in pieces. */
const LONG_UNITS = 1 << 20;

/**
 * A JSON text whose long strings are not spelled yet: `JSON.stringify` of a string of a hundred
 * megabytes holds the thread, and makes another one of that size.
 */
export interface LongJson {
  /** The text before, between and after the long strings. */
  readonly texts: readonly string[];
  readonly strings: readonly string[];
}

/** The JSON text of a value as it is now: what becomes of the value later changes nothing. */
export function jsonOf(value: unknown): string | LongJson {
  return stringUnits(value) > LONG_UNITS ? longJson(value) : JSON.stringify(value);
}

function longJson(value: unknown): LongJson {
  // In no other string.
  const mark = `\0${randomUUID()}`;
  const strings: string[] = [];
  const text = JSON.stringify(value, (_, member: unknown) => {
    if (typeof member !== 'string' || member.length <= SLICE_UNITS) return member;
    strings.push(member);
    return mark;
  });
  return { texts: text.split(JSON.stringify(mark)), strings };
}

/** Together what `JSON.stringify` makes of the value. No slice ends inside a surrogate pair. */
export function* jsonSlices(json: string | LongJson): Generator<string> {
  const { texts, strings } = typeof json === 'string' ? { texts: [json], strings: [] } : json;
  for (const [i, text] of texts.entries()) {
    yield* textSlices(text);
    const string = strings[i];
    if (string !== undefined) yield* jsonStringSlices(string);
  }
}

/** How many UTF-16 units the strings of a JSON value have, but for the keys. */
function stringUnits(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 0;
  let units = 0;
  for (const member of Object.values(value)) units += stringUnits(member);
  return units;
}
