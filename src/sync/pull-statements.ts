import { HubRefusedError } from '../errors.ts';
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

/** Whatever somebody has written there: a larger number would not come here as what it is. */
const safe = (column: string) => `max(0, min(${column}, ${Number.MAX_SAFE_INTEGER})) as ${column}`;

// Pieces of large bodies are left out: whoever needs a body asks for its pieces. What lies past the
// last number that a device could ask after is not read at all.
const page = (columns: string) => `select seq, ${columns}, ${safe('key_number')},
    ${safe('schema')}, payload
  from hub_entries where seq > ?1 and seq < ${Number.MAX_SAFE_INTEGER}
    and table_name <> '${CHUNK_TABLE}' order by seq limit ?2`;

const ROWS = page('table_name, id, register, version');
/** Text that is no UTF-8 cannot be read as text: one such row would hide the whole page. */
const ROWS_AS_BYTES = page(
  'cast(table_name as blob), cast(id as blob), cast(register as blob), cast(version as blob)',
);
/** One row for all of the page, and the payloads end to end: twice as quick to read as rows. */
const PACKED = `select json_group_array(json_array(
    seq, table_name, id, register, version, key_number, schema, length(payload))),
  cast(group_concat(payload, '') as blob) from (${ROWS})`;

/**
 * How a page is asked for: `packed` into one value, as `rows`, where the one value would be too
 * large, or as rows with their text as `bytes`.
 */
export type PageForm = 'packed' | 'rows' | 'bytes';

const STATEMENTS: Readonly<Record<PageForm, string>> = {
  packed: PACKED,
  rows: ROWS,
  bytes: ROWS_AS_BYTES,
};

/** The next entries after `cursor`, at most `rows`. */
export function pageStatement(cursor: number, rows: number, form: PageForm): HubStatement {
  return { sql: STATEMENTS[form], params: [cursor, rows] };
}

export interface HubPage {
  readonly entries: readonly Entry[];
  /** Whether the hub may have more after these. */
  readonly more: boolean;
}

/** About as many bytes as it was on the way. */
export function sizeOf(page: HubPage): number {
  return page.entries.reduce((sum, entry) => sum + entry.payload.length + 200, 0);
}

/** @throws `HubRefusedError` it is no such page */
export function readPage(
  answer: readonly HubRow[] | undefined,
  rows: number,
  form: PageForm,
): HubPage {
  const list = form === 'packed' ? unpack(answer?.[0]) : (answer ?? []);
  return { entries: list.map(toEntry), more: list.length === rows };
}

function unpack(row: HubRow | undefined): HubRow[] {
  const [json, bytes] = row ?? [];
  const payloads = bytes instanceof Uint8Array ? bytes : new Uint8Array();
  let end = 0;
  return parseRows(json).map((columns) => {
    const start = end;
    end += wholeNumber(columns[7]);
    return [...columns.slice(0, 7), payloads.subarray(start, end)];
  });
}

function parseRows(json: HubRow[number] | undefined): HubRow[] {
  const rows = parseOrUndefined(String(json));
  if (Array.isArray(rows) && rows.every((row) => Array.isArray(row))) return rows as HubRow[];
  throw new HubRefusedError('the hub sent a page of an unknown form');
}

function parseOrUndefined(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** @throws `HubRefusedError` no hub of ours says that */
export function toEntry(row: HubRow): Entry {
  const [seq, table, id, register, version, keyNumber, schema, payload] = row;
  return {
    seq: wholeNumber(seq),
    table: textOf(table),
    id: textOf(id),
    register: textOf(register),
    version: textOf(version),
    keyNumber: wholeNumber(keyNumber),
    schema: wholeNumber(schema),
    payload: payload instanceof Uint8Array ? payload : new Uint8Array(),
  };
}

/**
 * A number that every hub of ours sends as one, whatever somebody has written there.
 *
 * @throws `HubRefusedError` it is none
 */
export function wholeNumber(value: HubRow[number] | undefined): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw new HubRefusedError('the hub sent something else where a number belongs');
}

/** Broken bytes become U+FFFD: such an entry opens nowhere and is parked. */
export function textOf(value: HubRow[number] | undefined): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : String(value ?? '');
}

const HELD = `select json_group_array(json_array(seq, table_name, id, register, version))
  from hub_entries where seq > ?1 and seq <= ?2 and table_name <> '${CHUNK_TABLE}'`;

/** What entries there are after one number and up to another, without what is in them. */
export function heldStatement(after: number, upTo: number): HubStatement {
  return { sql: HELD, params: [after, upTo] };
}

/** @throws `HubRefusedError` it is no such answer */
export function readHeld(answer: readonly HubRow[] | undefined): HubRow[] {
  return parseRows(answer?.[0]?.[0]);
}

const CHUNKS = `select register, ${safe('key_number')}, payload from hub_entries
  where table_name = '${CHUNK_TABLE}' and id = ?1 and register in (select value from json_each(?2))`;

/** Pieces of large bodies by their registers. */
export function chunksStatement(hubId: string, registers: readonly string[]): HubStatement {
  return { sql: CHUNKS, params: [hubId, JSON.stringify(registers)] };
}

const READ = `select seq, cast(table_name as blob), cast(id as blob), cast(register as blob),
    cast(version as blob), ${safe('key_number')}, ${safe('schema')}, payload
  from hub_entries where seq < ${Number.MAX_SAFE_INTEGER}`;
const ENTRIES = `${READ} and (table_name, id, register) in (
    select value ->> 0, value ->> 1, value ->> 2 from json_each(?1))`;
const SMALL_SEALED = `table_name <> '${CHUNK_TABLE}' and key_number > 0 and length(payload) < 65536`;
/** Drawn anew each time. */
const sampleOf = (condition: string) =>
  `${READ} and seq in (select seq from hub_entries where ${condition} order by random() limit ?1)`;
const SAMPLE = sampleOf(SMALL_SEALED);
const LATEST_SAMPLE = sampleOf(`${SMALL_SEALED} and key_number = (
    select max(key_number) from hub_entries where ${SMALL_SEALED} and key_number <= ?2)`);

/** The entries of some registers. @param keys - table, id and register of each */
export function entriesStatement(keys: readonly (readonly unknown[])[]): HubStatement {
  return { sql: ENTRIES, params: [JSON.stringify(keys)] };
}

/** Some sealed entries, none of them large. */
export function sampleStatement(count: number): HubStatement {
  return { sql: SAMPLE, params: [count] };
}

/** The same, of those under the latest key that any was sealed with, up to the one of this number. */
export function latestSampleStatement(count: number, upTo: number): HubStatement {
  return { sql: LATEST_SAMPLE, params: [count, upTo] };
}
