import { isUtf8 } from 'node:buffer';
import type { SqliteValue } from '../db/sqlite-copy.ts';
import { JsonTextError, minifyJson, parseJson } from '../model/json-text.ts';
import type { Refusal } from './check/shape.ts';
import { UNIX_MAX, UNIX_MIN } from './check/time.ts';
import type { ColumnType, StateTable } from './check/state-tables.ts';
import type { AnomalyReason, RejectReason } from './kinds.ts';

/** A row as a record; its JSON has one member per column, texts and JSON columns as strings. */
export interface StateRow {
  id: string;
  raw: string;
  value: Record<string, unknown>;
  anomaly: AnomalyReason | undefined;
}

/**
 * Checks one row.
 *
 * @param names - its columns
 * @param types - one letter per column, the first of what `typeof` says
 * @param values - texts as bytes
 */
export function parseStateRow(
  table: StateTable,
  names: string[],
  types: string,
  values: SqliteValue[],
): StateRow | { refusal: Refusal } {
  const members: string[] = [];
  for (const [i, name] of names.entries()) {
    const value = values[i] ?? null;
    const column = Object.hasOwn(table.columns, name) ? table.columns[name] : undefined;
    const reason = typeFault(column, types.charAt(i), value) ?? jsonFault(table, name, value);
    if (reason !== undefined) return { refusal: { reason, at: name } };
    members.push(`${JSON.stringify(name)}:${jsonOf(value)}`);
  }
  const raw = `{${members.join(',')}}`;
  const value = parseJson(raw) as Record<string, unknown>;
  const parts: string[] = [];
  for (const name of table.key) {
    // The column itself: an integer may pass 2^53.
    const part = values[names.indexOf(name)];
    if (part === undefined || part === null)
      return { refusal: { reason: 'missing_field', at: name } };
    const key = part.toString();
    if (!isKey(key)) return { refusal: { reason: 'unsafe_id', at: name } };
    parts.push(key);
  }
  const unknown = Object.entries(table.enums ?? {}).some(
    ([name, words]) => !words.includes(value[name] as string),
  );
  return { id: parts.join('/'), raw, value, anomaly: unknown ? 'unknown_enum' : undefined };
}

/** Any text but the empty one, as long as ids of other kinds may be: statements cut it at a NUL. */
function isKey(key: string): boolean {
  return key !== '' && key.length <= 255 && !key.includes('\0');
}

/** `t` text, `n` null, `i` integer, `r` real, `b` blob. */
function typeFault(
  column: ColumnType | undefined,
  type: string,
  value: SqliteValue,
): RejectReason | undefined {
  if (type === 't') {
    if (!isUtf8(value as Buffer)) return 'invalid_utf8';
  } else if (type === 'b' || (type === 'r' && !Number.isFinite(value))) return 'wrong_shape';
  switch (column) {
    case undefined:
      return undefined;
    case 'text':
      return 'tn'.includes(type) ? undefined : 'wrong_shape';
    case 'int':
      return 'in'.includes(type) ? undefined : 'wrong_shape';
    case 'real':
      return 'irn'.includes(type) ? undefined : 'wrong_shape';
    case 'text!':
    case 'int!':
      if (type === 'n') return 'missing_field';
      return type === column.charAt(0) ? undefined : 'wrong_shape';
    case 'time':
    case 'time!':
      if (type === 'n') return column === 'time' ? undefined : 'missing_field';
      if (type !== 'i') return 'wrong_shape';
      return Number(value) >= UNIX_MIN && Number(value) <= UNIX_MAX ? undefined : 'invalid_value';
  }
}

function jsonFault(table: StateTable, name: string, value: SqliteValue): RejectReason | undefined {
  const reason =
    table.json !== undefined && Object.hasOwn(table.json, name) ? table.json[name] : undefined;
  if (reason === undefined || !Buffer.isBuffer(value)) return undefined;
  try {
    minifyJson(value.toString());
    return undefined;
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error;
    // These columns are read as free-form values, in which the last of two keys counts.
    return error.reason === 'duplicate_key' ? undefined : reason;
  }
}

function jsonOf(value: SqliteValue): string {
  if (value === null) return 'null';
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return Number.isInteger(value) ? `${value}.0` : String(value);
  return JSON.stringify(value.toString());
}
