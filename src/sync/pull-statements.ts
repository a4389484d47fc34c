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

// Pieces of large bodies are left out: whoever needs a body asks for its pieces.
const page = (columns: string) => `select seq, ${columns}, key_number, schema, payload
  from hub_entries where seq > ?1 and table_name <> '${CHUNK_TABLE}' order by seq limit ?2`;

const PAGE = page('table_name, id, register, version');
/** Text that is no UTF-8 cannot be read as text: one such row would hide the whole page. */
const PAGE_AS_BYTES = page(
  'cast(table_name as blob), cast(id as blob), cast(register as blob), cast(version as blob)',
);

/** The next entries after `cursor`, at most `rows`. */
export function pageStatement(cursor: number, rows: number, asBytes: boolean): HubStatement {
  return { sql: asBytes ? PAGE_AS_BYTES : PAGE, params: [cursor, rows] };
}

export interface HubPage {
  readonly entries: readonly Entry[];
  /** Whether the hub may have more after these. */
  readonly more: boolean;
}

export function readPage(answer: readonly HubRow[] | undefined, rows: number): HubPage {
  const entries = (answer ?? []).map(toEntry);
  return { entries, more: entries.length === rows };
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

const CHUNKS = `select register, key_number, payload from hub_entries
  where table_name = '${CHUNK_TABLE}' and id = ?1 and register in (select value from json_each(?2))`;

/** Pieces of large bodies by their registers. */
export function chunksStatement(hubId: string, registers: readonly string[]): HubStatement {
  return { sql: CHUNKS, params: [hubId, JSON.stringify(registers)] };
}
