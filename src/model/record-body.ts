import type * as z from 'zod';
import { patchObject } from './json-text.ts';
import { plainObjectSchema } from './plain-json.ts';

/**
 * The body of a record is the JSON text of an object by the names of the old program. An imported
 * body is the whole record of its file, so some of its members have columns of their own: those
 * columns hold. It is changed member by member, so that what nobody touched keeps its spelling.
 */

/** What the body holds beyond the members that have a field of their own. */
export function detailsOf(body: string, fields: ReadonlySet<string>): Record<string, unknown> {
  // Object.fromEntries, because a key may be `__proto__`.
  return Object.fromEntries(membersOf(body).filter(([key]) => !fields.has(key)));
}

/** All members of a body; none where it was emptied. */
export function membersOf(body: string): [string, unknown][] {
  return Object.entries((JSON.parse(body) ?? {}) as Record<string, unknown>);
}

/** Sets members of a body; `null` takes one away, `undefined` leaves it. */
export function editBody(body: string, members: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(members).filter(([, value]) => value !== undefined);
  if (given.length === 0) return body;
  return patchObject(
    body === 'null' ? '{}' : body,
    Object.fromEntries(
      given.map(([key, value]) => [key, value === null ? undefined : JSON.stringify(value)]),
    ),
  );
}

/** Puts `details` in the place of all details that were there. */
export function replaceDetails(
  body: string,
  fields: ReadonlySet<string>,
  details: Readonly<Record<string, unknown>>,
): string {
  const gone = Object.keys(detailsOf(body, fields)).map((key) => [key, null] as const);
  return addDetails(editBody(body, Object.fromEntries(gone)), details);
}

/** Lays `details` over those that are there, key by key; `null` is a value like any other. */
export function addDetails(body: string, details: Readonly<Record<string, unknown>>): string {
  return patchObject(
    body === 'null' ? '{}' : body,
    Object.fromEntries(Object.entries(details).map(([key, value]) => [key, JSON.stringify(value)])),
  );
}

/** Free-form details that do not hide a field of the record. */
export function detailsSchema(
  fields: ReadonlySet<string>,
): z.ZodType<Record<string, unknown>, Record<string, unknown>> {
  return plainObjectSchema.refine(
    (details) => !Object.keys(details).some((key) => fields.has(key)),
    {
      error: 'holds a key that has a field of its own',
    },
  );
}
