import { createHash } from 'node:crypto';

// What a register and a row are, written down anew: the product's own hashes are not trusted here.

export type Cell = string | number | null;

const isBody = (name: string): boolean => name === 'body' || name === 'body_hash';

export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Columns that are not null by name, and the body by its digest. */
export function canonical(
  columns: readonly (readonly [string, Cell])[],
  body: string | null,
): string {
  const set = columns.filter(([name, value]) => value !== null && !isBody(name));
  return JSON.stringify([set.sort(([a], [b]) => (a < b ? -1 : 1)), body]);
}

/** The body of a row as its digest, wherever it is kept; null where there is none. */
export function bodyDigest(row: Readonly<Record<string, Cell>>): string | null {
  const { body, body_hash: hash } = row;
  if (typeof hash === 'string') return hash === '' ? null : hash;
  return typeof body === 'string' ? digestOf(body) : null;
}

/** An id without what a clash put behind it. */
export function originalId(id: string): string {
  return id.replace(/(~[0-9a-f]{16})+$/, '');
}
