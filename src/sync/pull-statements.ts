import type { HubRow, HubStatement } from './hub/hub.ts';
import { CHUNK_TABLE } from './chunks.ts';

/** An entry as the hub holds it. */
export interface Entry {
  readonly seq: number;
  readonly table: string;
  readonly id: string;
  readonly register: string;
  readonly version: string;
  readonly keyNumber: number;
  readonly schema: number;
  readonly payload: Uint8Array;
}

/** Bounds of one answer. */
export interface PageLimits {
  readonly rows: number;
  readonly bytes: number;
}

// Pieces of large bodies are left out: whoever needs a body asks for its pieces.
const window = (columns: string) => `select seq, ${columns}, key_number, schema, payload from (
    select *, sum(length(payload) + 200) over (order by seq) as bytes, row_number() over (order by seq) as place
    from (select * from hub_entries where seq > ?1 and table_name <> '${CHUNK_TABLE}' order by seq limit ?2)
  ) where bytes <= ?3 or place = 1 order by seq`;

const PAGE = window('table_name, id, register, version');
/** Text that is no UTF-8 cannot be read as text: one such row would hide the whole page. */
const PAGE_AS_BYTES = window(
  'cast(table_name as blob), cast(id as blob), cast(register as blob), cast(version as blob)',
);
const LAST = `select coalesce(max(seq), 0) from hub_entries where table_name <> '${CHUNK_TABLE}'`;

/** The entries after `cursor`, and the number of the last one there is. */
export function pageStatements(cursor: number, limits: PageLimits, asBytes: boolean): HubStatement[] {
  return [
    { sql: asBytes ? PAGE_AS_BYTES : PAGE, params: [cursor, limits.rows, limits.bytes] },
    { sql: LAST, params: [] },
  ];
}

export interface HubPage {
  readonly entries: readonly Entry[];
  /** Whether the hub has more after these. */
  readonly more: boolean;
}

export function readPage(answers: readonly (readonly HubRow[])[]): HubPage {
  const entries = (answers[0] ?? []).map(toEntry);
  const last = Number(answers[1]?.[0]?.[0] ?? 0);
  const end = entries.at(-1);
  return { entries, more: end !== undefined && end.seq < last };
}

export function toEntry(row: HubRow): Entry {
  const [seq, table, id, register, version, keyNumber, schema, payload] = row;
  return {
    seq: Number(seq),
    table: textOf(table),
    id: textOf(id),
    register: textOf(register),
    version: textOf(version),
    keyNumber: Number(keyNumber),
    schema: Number(schema),
    payload: payload instanceof Uint8Array ? payload : new Uint8Array(),
  };
}

/** Broken bytes become U+FFFD: such an entry opens nowhere and is parked. */
function textOf(value: HubRow[number] | undefined): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : String(value ?? '');
}

const CHUNKS = `select seq, table_name, id, register, version, key_number, schema, payload
  from hub_entries where table_name = '${CHUNK_TABLE}' and id = ?1
  and cast(register as integer) >= ?2 and cast(register as integer) < ?3 order by seq`;

/** Pieces of a body, from one place up to before another. */
export function chunksStatement(hubId: string, from: number, to: number): HubStatement {
  return { sql: CHUNKS, params: [hubId, from, to] };
}
