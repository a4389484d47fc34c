import { EVERY_REGISTER } from '../db/outbox.ts';
import type { Reader } from '../db/reader.ts';
import { IMMUTABLE_TABLES, MUTABLE_TABLES } from '../model/registers.ts';
import type { ImmutableTable, MutableTable } from '../model/table-kinds.ts';
import { REMOVED, UNBELIEVED_SQL } from './apply/park.ts';
import { chunkEntry } from './chunks.ts';
import type { BodyRef, Columns } from '../db/content.ts';
import {
  Gathering,
  noTrim,
  pieceKey,
  type Batch,
  type BatchLimits,
  type Horizon,
  type RefusedBodies,
  type HeldPieces,
  type Trim,
} from './gathering.ts';
import { NO_KEYS } from './keys/group-key.ts';
import type { KeyRing } from './keys/key-ring.ts';
import { entriesOf, readNoted, type Note, type NotedRows } from './noted-entries.ts';
import { registerEntries, rowEntry, type Ready } from './outgoing.ts';
import { unknownById } from '../db/synced-rows.ts';
import type { SyncState } from './state.ts';
import { readWaiting, type Waiting } from './waiting.ts';

const NOTHING = noTrim();

/**
 * Reads what the hub has not acknowledged; undefined when there is nothing.
 *
 * @param underWay - what another batch carries that is not acknowledged yet: it is left out
 */
export function readBatch(
  reader: Reader,
  state: SyncState,
  ring: KeyRing | null,
  limits: BatchLimits,
  pieces: HeldPieces,
  refusedBodies: RefusedBodies = new Map(),
  underWay: Trim = NOTHING,
): Batch | undefined {
  const { round, keyCheck } = state;
  const lock = keyCheck ?? NO_KEYS;
  const gathering = new Gathering({ round, lock }, limits, pieces, refusedBodies);
  const { rows: limit, horizon } = limits;
  const from = { reader, ring, state, limit, horizon, underWay };
  gatherParked(from, gathering);
  gatherNotes(from, gathering);
  for (const table of MUTABLE_TABLES) gatherOffers(from, gathering, table);
  for (const table of IMMUTABLE_TABLES) gatherRows(from, gathering, table);
  const { batch, missing } = gathering;
  if (missing && batch.sending.length === 0) {
    const piece = pieceOf(reader, ring, missing, batch, pieces);
    if (piece) return piece;
    // It is not here in whole: what refers to it stays behind, and the others go.
    refusedBodies.set(pieceKey(round, missing), 'damaged');
    return readBatch(reader, state, ring, limits, pieces, refusedBodies, underWay);
  }
  const { trim } = batch;
  const trims = trim.notes.length + trim.numbers.size + trim.ids.size;
  if (batch.sending.length + trims === 0) return undefined;
  return { ...batch, last: !gathering.isFull() && !gathering.cut };
}

/** What was written last. */
export function readHorizon(reader: Reader): Horizon {
  const latest = (table: string) => reader.number(`select max(number) from ${table}`);
  return {
    note: latest('outbox'),
    rows: new Map(IMMUTABLE_TABLES.map(({ name }) => [name, latest(name)])),
  };
}

/** Where a batch is read from, and what is left out of it. */
interface Source {
  readonly reader: Reader;
  readonly ring: KeyRing | null;
  readonly state: SyncState;
  /** Rows of a table. */
  readonly limit: number;
  readonly horizon: Horizon | undefined;
  readonly underWay: Trim;
}

function pieceOf(
  reader: Reader,
  ring: KeyRing | null,
  body: BodyRef,
  { round, lock }: Batch,
  pieces: HeldPieces,
): Batch | undefined {
  const position = pieces.get(pieceKey(round, body)) ?? 0;
  const entry = chunkEntry(reader, ring, body, position);
  if (!entry) return undefined;
  const trim = noTrim();
  return {
    sending: [{ entry, offered: true }],
    refused: [],
    trim,
    round,
    lock,
    piece: { body, position },
    last: false,
  };
}

function gatherParked({ reader, limit, underWay }: Source, gathering: Gathering): void {
  const offers = underWay.parked.map(({ offer }) => offer);
  const rows = reader.rows(
    `select table_name, hub_id, register, version, key_number, schema, payload, offer
     from parked where offer > 0 and reason not in ('chunks', '${REMOVED}', ${UNBELIEVED_SQL})
       and offer not in (select value from json_each(?)) order by offer limit ?`,
    [JSON.stringify(offers), limit],
  );
  for (const [table, id, register, version, keyNumber, schema, payload, offer] of rows) {
    if (gathering.isFull()) return;
    const key = { table: table as string, id: id as string, register: register as string };
    gathering.addParked({
      ...key,
      version: version as string,
      // The hub took this version once; it is not stamped anew here.
      ms: null,
      keyNumber: Number(keyNumber),
      schema: Number(schema),
      payload: payload as Uint8Array,
    });
    gathering.batch.trim.parked.push({
      table: key.table,
      hubId: key.id,
      register: key.register,
      offer: Number(offer),
    });
  }
}

const PURGING = `select exists (select 1 from outbox where register = 'purge' and stuck is null)`;

function gatherNotes(source: Source, gathering: Gathering): void {
  const { reader, limit } = source;
  // A purge may come back for its clock, and be lost then: the marks of its rows wait until the hub
  // holds it.
  const purging = reader.number(PURGING) === 1;
  const tables = purging ? MUTABLE_TABLES : [...MUTABLE_TABLES, ...IMMUTABLE_TABLES];
  const names = tables.map(({ name }) => name);
  const waiting = readWaiting(reader);
  const { trim } = gathering.batch;
  if (purging) gathering.cut = true;
  let notes: Note[] = [];
  do {
    notes = readNotes(source, names, notes.at(-1)?.number ?? 0);
    gatherSome(source, gathering, notes, waiting);
    // What waits, be it all that was read, keeps nothing behind it from going.
  } while (notes.length === limit && trim.notes.length === 0 && !gathering.isFull());
  if (notes.length === limit) gathering.cut = true;
}

function readNotes(
  { reader, limit, horizon, underWay }: Source,
  tables: readonly string[],
  after: number,
): Note[] {
  return reader.list<Note>(
    ['number', 'table_name', 'row_id', 'register', 'bases'],
    `from outbox where stuck is null and number > ? and number <= ?
       and number not in (select value from json_each(?))
       and table_name in (select value from json_each(?))
     order by number limit ?`,
    [
      after,
      horizon?.note ?? Number.MAX_SAFE_INTEGER,
      JSON.stringify(underWay.notes),
      JSON.stringify(tables),
      limit,
    ],
  );
}

function gatherSome(
  { reader, ring }: Source,
  gathering: Gathering,
  notes: readonly Note[],
  waiting: Waiting,
): void {
  const rows = new Map<string, NotedRows>();
  for (const table of MUTABLE_TABLES) {
    const ids = notes.filter((note) => note.table_name === table.name).map((note) => note.row_id);
    if (ids.length > 0) rows.set(table.name, readNoted(reader, table, ids));
  }
  for (const note of notes) {
    if (gathering.isFull()) return;
    const list = entriesOf(reader, ring, note, rows.get(note.table_name));
    if (list.some((one) => 'entry' in one && waiting.has(one.entry))) continue;
    if (!gathering.add(list, false)) return;
    gathering.batch.trim.notes.push(note.number);
  }
}

function gatherOffers(
  { reader, ring, limit, underWay }: Source,
  gathering: Gathering,
  table: MutableTable,
): void {
  if (gathering.isFull()) return;
  const scan = reader.first<{ after_id: string }>(
    ['after_id'],
    'from sync_scans where table_name = ? and after_id is not null',
    [table.name],
  );
  const after = underWay.ids.get(table.name);
  if (!scan || after === null) return;
  const ids = reader
    .list<{ id: string }>(['id'], `from ${table.name} where id > ? order by id limit ?`, [
      after ?? scan.after_id,
      limit,
    ])
    .map(({ id }) => id);
  const { rows, ancestors, unknown } = readNoted(reader, table, ids);
  const waiting = readWaiting(reader);
  for (const id of ids) {
    if (gathering.isFull()) return;
    const all = registerEntries(reader, ring, table, rows.get(id) as Columns, EVERY_REGISTER, {
      bases: [],
      ancestors: ancestors(id),
      unknown: unknown(id),
    });
    const held = all.filter((one) => 'entry' in one && waiting.has(one.entry)) as Ready[];
    const list = all.filter((one) => !held.includes(one as Ready));
    if (!gathering.add(list, true)) return;
    for (const { entry, source } of held) {
      if (waiting.isUnsent(entry)) gathering.batch.trim.waiting.push(source);
    }
    gathering.batch.trim.ids.set(table.name, id);
  }
  if (ids.length < limit) gathering.batch.trim.ids.set(table.name, null);
  else gathering.cut = true;
}

function gatherRows(
  { reader, ring, state, limit, horizon, underWay }: Source,
  gathering: Gathering,
  table: ImmutableTable,
): void {
  if (gathering.isFull()) return;
  const [sent = 0, until = 0] = (
    reader.rows('select after_number, until_number from sync_scans where table_name = ?', [
      table.name,
    ])[0] ?? []
  ).map(Number);
  const after = underWay.numbers.get(table.name) ?? sent;
  const end = horizon?.rows.get(table.name) ?? Number.MAX_SAFE_INTEGER;
  const found = reader.list<Columns>(
    ['number', 'id', 'device', ...table.columns],
    `from ${table.name} where number > ? and number <= ? and pulled <> ? order by number limit ?`,
    [after, end, state.round, limit],
  );
  const clashes = originalIds(reader, table.name);
  const unknown = unknownById(
    reader,
    table.name,
    found.map((row) => row['id'] as string),
  );
  for (const row of found) {
    if (gathering.isFull()) return;
    const id = row['id'] as string;
    const number = Number(row['number']);
    const one = rowEntry(reader, ring, table, row, clashes.get(id) ?? id, unknown(id).get(''));
    if (!gathering.add([one], number <= until)) return;
    gathering.batch.trim.numbers.set(table.name, number);
  }
  if (found.length === limit) {
    gathering.cut = true;
    return;
  }
  const last = Math.min(end, reader.number(`select max(number) from ${table.name}`));
  if (last > after) gathering.batch.trim.numbers.set(table.name, last);
}

/** Rows that have an id of their own because another content bears theirs. */
export function originalIds(reader: Reader, table: string): ReadonlyMap<string, string> {
  const rows = reader.list<{ row_id: string; original_id: string }>(
    ['row_id', 'original_id'],
    'from clashes where table_name = ?',
    [table],
  );
  return new Map(rows.map((row) => [row.row_id, row.original_id]));
}
