import { isDeepStrictEqual } from 'node:util';
import type * as z from 'zod';
import { objectMembers, patchObject } from './json-text.ts';
import { jsonObjectSchema } from './json-schema.ts';

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

/**
 * Makes the members of `raw` those of `next`, but for `kept` ones. What has the same value keeps its
 * spelling, down into objects: an imported `1.0` or a number beyond 2^53 is not respelled by an edit
 * beside it.
 */
export function mergeDocument(
  raw: string,
  next: Readonly<Record<string, unknown>>,
  kept: ReadonlySet<string>,
): string {
  const changes: Record<string, string | undefined> = Object.create(null) as typeof changes;
  const members = new Map(objectMembers(raw).map(({ key, value }) => [key, value]));
  for (const key of members.keys()) {
    if (!Object.hasOwn(next, key) && !kept.has(key)) changes[key] = undefined;
  }
  for (const [key, value] of Object.entries(next)) {
    if (kept.has(key)) continue;
    const old = members.get(key);
    const json = JSON.stringify(value);
    if (old === undefined) changes[key] = json;
    else if (old.startsWith('{') && isObject(value)) {
      changes[key] = mergeDocument(old, value, new Set());
    } else if (!isDeepStrictEqual(JSON.parse(old), value)) changes[key] = json;
  }
  return patchObject(raw, changes);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Free-form details that do not hide a field of the record. */
export function detailsSchema(
  fields: ReadonlySet<string>,
): z.ZodType<Record<string, unknown>, Record<string, unknown>> {
  return jsonObjectSchema.refine(
    (details) => !Object.keys(details).some((key) => fields.has(key)),
    {
      error: 'holds a key that has a field of its own',
    },
  );
}
