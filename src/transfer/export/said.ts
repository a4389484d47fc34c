import { createHash } from 'node:crypto';
import type { Reader } from '../../db/reader.ts';
import type { Row } from '../../db/transaction.ts';
import type { RowMark } from '../../model/row-mark.ts';
import type { MutableTable } from '../../model/table-kinds.ts';
import { clockOf, deviceOf, isImported, isNobodys } from '../../model/version.ts';
import { wellFormedJson } from './record-text.ts';

/** Columns of state.db that an export may leave to their defaults. */
export const STATE_DEFAULTS: Readonly<Record<string, string>> = {
  archived: '0',
  continuation_count: '0',
};

/**
 * Whose words a record repeats, and when they were said. Undefined where all of them came by imports:
 * another import says them at the same time.
 *
 * @param of - the digest of the record
 */
export function saidOf(
  reader: Reader,
  table: MutableTable,
  id: string,
  of: string,
): RowMark | undefined {
  const registers = Object.keys(table.registers);
  const names = ['device', ...registers.map((register) => `${register}_version`)];
  const row = reader.first<Row>(names, `from ${table.name} where id = ?`, [id]) ?? {};
  const said: Record<string, Record<string, number>> = {};
  for (const register of registers) {
    const version = String(row[`${register}_version`] ?? '');
    if (version === '' || isImported(version) || isNobodys(version)) continue;
    (said[deviceOf(version)] ??= {})[register] = clockOf(version).ms;
  }
  return Object.keys(said).length > 0 ? { device: String(row['device']), said, of } : undefined;
}

/** Of the text of a record. */
export function textDigest(raw: string): string {
  return digest(wellFormedJson(raw));
}

/**
 * Of a row of state.db: of what stands in its columns, but for the number of a message, which every file
 * gives anew.
 *
 * @param columns - names and JSON texts
 */
export function rowDigest(columns: Iterable<readonly [name: string, json: string]>): string {
  const told = [...columns].filter(
    ([name, json]) =>
      name !== 'current_leaf_id' && json !== 'null' && json !== STATE_DEFAULTS[name],
  );
  return digest(JSON.stringify(told.sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** As {@link textDigest}, of a text that comes in pieces. */
export class TextDigest {
  readonly #hash = createHash('sha256');

  /** @param piece - well-formed, see `wellFormedJson` */
  add(piece: string | Buffer): void {
    this.#hash.update(piece);
  }

  result(): string {
    return this.#hash.digest('hex').slice(0, 28);
  }
}

function digest(text: string): string {
  const whole = new TextDigest();
  whole.add(text);
  return whole.result();
}
