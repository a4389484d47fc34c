import * as z from 'zod';
import { InvalidInputError } from '../errors.ts';
import { boundedTime } from './time.ts';

/**
 * Checks an argument of a public call.
 *
 * @throws `InvalidInputError` naming the field and what is wrong with it, never its content
 */
export function validate<S extends z.ZodType>(
  schema: S,
  value: unknown,
  what: string,
): z.output<S> {
  const result = read(schema, value, what);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue && issue.path.length > 0 ? nameOf(issue.path) : '';
  throw new InvalidInputError(`${what}${path}: ${issue?.message ?? 'invalid'}`);
}

/** Where in an argument something is wrong: `[0]` of a list, ` title` of an object. */
function nameOf([first, ...rest]: readonly PropertyKey[]): string {
  const start = typeof first === 'number' ? `[${first}]` : ` ${String(first)}`;
  return start + rest.map((part) => `.${String(part)}`).join('');
}

function read<S extends z.ZodType>(schema: S, value: unknown, what: string) {
  try {
    return schema.safeParse(value, { error: inWords });
  } catch (cause) {
    // A getter or the trap of a proxy, which are code of the caller.
    throw new InvalidInputError(`${what}: it cannot be read`, { cause });
  }
}

/** What is wrong where the schema has no words of its own. */
function inWords(issue: z.core.$ZodRawIssue): string | undefined {
  const least = issue.code === 'too_small';
  if (!least && issue.code !== 'too_big') return undefined;
  const bound = String(least ? issue.minimum : issue.maximum);
  if (least && issue.origin === 'string' && bound === '1') return 'it is empty';
  const unit = UNITS.get(issue.origin);
  const amount = `${least ? 'at least' : 'at most'} ${bound}`;
  return unit === undefined ? `it must be ${amount}` : `it must have ${amount} ${unit}`;
}

const UNITS = new Map([
  ['string', 'characters'],
  ['array', 'entries'],
  ['set', 'entries'],
  ['map', 'entries'],
]);

/**
 * The id of a new record. Ids end up in file names of an export, so they are plain: letters, digits,
 * `_`, `-`, `.`, `:`, `~`.
 */
export const idSchema = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[A-Za-z0-9_~:-][A-Za-z0-9_.~:-]*$/, 'an id has only letters, digits and _ - . : ~');

/** The id of a record that is looked for: what was imported may have any. */
export const knownIdSchema = z.string().max(1000);

/**
 * A file or folder. Node itself throws a TypeError at a NUL, after some work was done, and of the
 * names that SQLite gives to other things it would make files.
 */
export const pathSchema = z
  .string()
  .min(1, 'is empty: give a path')
  .refine((path) => !path.includes('\0'), { error: 'a path holds no NUL character' })
  .refine((path) => path.isWellFormed(), { error: 'a path is whole text, without lone surrogates' })
  .refine((path) => path !== ':memory:' && !/^file:/i.test(path), {
    error: 'give the path of a file or folder; ":memory:" and "file:" addresses are none',
  });

/** RFC 3339, with any offset; becomes unix milliseconds. */
export const timeSchema = z.iso
  .datetime({ offset: true, error: 'a time in RFC 3339, such as 2026-08-18T09:15:02Z' })
  .transform((text) => Date.parse(text))
  .refine((ms) => ms === boundedTime(ms), { error: 'a time of the years 0 to 9999 in UTC' });

/** Text for a column: lone surrogates cannot be stored as UTF-8 and become U+FFFD. */
export const textSchema = z.string().transform((text) => text.toWellFormed());

/** A folder to work in, or to list by. Records that were imported, or made without one, may have an empty one. */
export const workspaceSchema = textSchema.pipe(z.string().min(1, 'is empty: give a folder'));

export const limitSchema = z.int().min(1).max(1000).default(50);
export const cursorSchema = z.string().max(2000).nullable().optional();
