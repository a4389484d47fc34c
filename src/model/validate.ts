import * as z from 'zod';
import { InvalidInputError } from '../errors.ts';

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
  const path = issue && issue.path.length > 0 ? ` ${issue.path.map(String).join('.')}` : '';
  throw new InvalidInputError(`${what}${path}: ${issue?.message ?? 'invalid'}`);
}

function read<S extends z.ZodType>(schema: S, value: unknown, what: string) {
  try {
    return schema.safeParse(value);
  } catch (cause) {
    // A getter or the trap of a proxy, which are code of the caller.
    throw new InvalidInputError(`${what}: it cannot be read`, { cause });
  }
}

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
  .min(1)
  .refine((path) => !path.includes('\0'), { error: 'a path holds no NUL character' })
  .refine((path) => path.isWellFormed(), { error: 'a path is whole text, without lone surrogates' })
  .refine((path) => path !== ':memory:' && !/^file:/i.test(path), {
    error: 'give the path of a file or folder; ":memory:" and "file:" addresses are none',
  });

/** RFC 3339, with any offset; becomes unix milliseconds. */
export const timeSchema = z.iso
  .datetime({ offset: true, error: 'a time in RFC 3339, such as 2026-08-18T09:15:02Z' })
  .transform((text) => Date.parse(text));

/** Text for a column: lone surrogates cannot be stored as UTF-8 and become U+FFFD. */
export const textSchema = z.string().transform((text) => text.toWellFormed());

export const limitSchema = z.int().min(1).max(1000).default(50);
export const cursorSchema = z.string().max(2000).nullable().optional();
