import { loadBody, type BodyColumns } from '../../db/bodies.ts';
import { isLarge } from '../../db/large-bodies.ts';
import type { Reader } from '../../db/reader.ts';
import type { Row } from '../../db/transaction.ts';
import { wellFormedJson } from '../export/record-text.ts';

/** A row that never changes, as a record says it. */
export type PlainRow = Row & { [K in keyof BodyColumns]: Row[string] };

/**
 * How the store stands to the row that a record claims to be: `same`, `absent`, or `another` where
 * the id is that of something else, which the claim must not hide.
 */
export function claimedRow(
  reader: Reader,
  table: string,
  id: string,
  row: PlainRow,
  isSameBody: (held: string) => boolean = () => false,
): 'same' | 'absent' | 'another' {
  const { body, body_hash: hash, ...columns } = row;
  const names = Object.keys(columns);
  const held = reader.first<Row & BodyColumns>(
    [...names, 'body', 'body_hash'],
    `from ${table} where id = ?`,
    [id],
  );
  if (!held) return 'absent';
  if (names.some((name) => held[name] !== columns[name])) return 'another';
  if (held.body === body && held.body_hash === hash) return 'same';
  if (isLarge(reader, held)) return 'another';
  const text = loadBody(reader, held);
  return wellFormedJson(text) === body || isSameBody(text) ? 'same' : 'another';
}
