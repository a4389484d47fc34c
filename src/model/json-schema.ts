import * as z from 'zod';

/** Deeper values could not be imported again after an export. */
const DEPTH_MAX = 120;

/**
 * Free-form JSON, at an eighth of the time of zod's own: it is on the way of every event. What `JSON.stringify`
 * would drop or change silently is refused, and what is nested too deep.
 *
 * The value stays the caller's: for what is made text at once.
 */
export const jsonSchema = z.custom<unknown>((value) => isPlainJson(value, 0), {
  error: 'a JSON value, nested at most 120 deep',
});

/** A copy, for what waits for its transaction: the caller may change the value meanwhile. */
export const jsonCopySchema = jsonSchema.transform(copyOf);

/** A copy, too. */
export const jsonObjectSchema = z
  .custom<Record<string, unknown>>(
    (value) =>
      typeof value === 'object' && !Array.isArray(value) && value !== null && isPlainJson(value, 0),
    { error: 'a JSON object, nested at most 120 deep' },
  )
  .transform((value) => copyOf(value) as Record<string, unknown>);

function copyOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyOf);
  // Object.fromEntries, because a key may be `__proto__`.
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, copyOf(member)]));
}

function isPlainJson(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value);
    case 'object':
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if (depth === DEPTH_MAX) return false;
  if (Array.isArray(value)) return value.every((element) => isPlainJson(element, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  return Object.values(value).every((member) => isPlainJson(member, depth + 1));
}
