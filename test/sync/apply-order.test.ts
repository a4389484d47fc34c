import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Columns } from '../../src/db/content.ts';
import { openDatabase } from '../../src/db/open.ts';
import type { Database } from '../../src/db/database.ts';
import type { Reader } from '../../src/db/reader.ts';
import { rowsById, unknownColumns } from '../../src/db/synced-rows.ts';
import type { Transaction } from '../../src/db/transaction.ts';
import {
  artifacts,
  auditLog,
  IMMUTABLE_TABLES,
  MUTABLE_TABLES,
  runtimeEvents,
  runtimeItems,
  runtimeThreads,
  runtimeTurns,
  sessionMessages,
  sessions,
  tasks,
} from '../../src/model/registers.ts';
import type { ImmutableTable, MutableTable } from '../../src/model/table-kinds.ts';
import { applyEntries, readParked, retryParked } from '../../src/sync/apply/apply-entries.ts';
import { finishStep, newContext, type ApplyContext } from '../../src/sync/apply/context.ts';
import { openEntry } from '../../src/sync/apply/open-entry.ts';
import { Shapes } from '../../src/sync/apply/shape.ts';
import { refreshStale } from '../../src/sync/apply/stale-roots.ts';
import { originalIds, readBatch } from '../../src/sync/batch.ts';
import { CHUNK_TABLE, chunkId, chunkRegister, keepChunk } from '../../src/sync/chunks.ts';
import { offerAll } from '../../src/sync/offer.ts';
import { registerEntries, rowEntry } from '../../src/sync/outgoing.ts';
import type { Entry } from '../../src/sync/pull-statements.ts';
import { needState } from '../../src/sync/state.ts';
import { sweepPurged } from '../../src/upkeep/purge.ts';
import { contentOf, toEntries, writeRows, type Draw } from '../support/random-rows.ts';

const SYNCED = [...MUTABLE_TABLES, ...IMMUTABLE_TABLES];
const NOW = 1_000;
const META = { nowMs: NOW, floorMs: 0 };
const clock = { now: () => NOW };
const settings = { durability: 'normal', readOnly: false } as const;

let folder: string;
let opened: Database[] = [];
let copies = 0;

/** Stores of several devices, empty; a run works on copies of them. */
const DEVICES = ['a', 'b', 'c', 'd', 'e'] as const;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cws-order-'));
  for (const name of DEVICES) {
    const database = await openDatabase(join(folder, `${name}.db`), settings, Date.now);
    await database.write(clock, (transaction) => {
      transaction.run(
        `insert into sync_state (only, enabled, url, pull, device_name, epoch, epoch_token, cursor,
           floor_ms, floor_counter, round, copied, refused)
         values (1, 1, 'file:', 'http', ?, 0, '', 0, 0, 0, 1, 0, 0)`,
        [name],
      );
      transaction.run('update device set capturing = 1');
    });
    await database.close();
  }
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A copy of an empty store: two of one device are what a restored backup is. */
async function copyOf(device: (typeof DEVICES)[number]): Promise<Database> {
  const path = join(folder, `copy-${copies++}.db`);
  copyFileSync(join(folder, `${device}.db`), path);
  const database = await openDatabase(path, settings, () => NOW);
  opened.push(database);
  return database;
}

/** Runs a property with stores of its own each time. */
async function forAny(property: (draw: Draw) => Promise<void>, numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.gen(), async (gen) => {
      try {
        await property((arbitrary) => gen(() => arbitrary));
      } finally {
        for (const database of opened) await database.close();
        for (const database of opened) {
          for (const suffix of ['', '-wal', '-shm'])
            rmSync(database.path + suffix, { force: true });
        }
        opened = [];
      }
    }),
    { numRuns, endOnFailure: true },
  );
}

/** What two copies of one store and another store wrote apart from each other. */
async function writeApart(
  tables: readonly (MutableTable | ImmutableTable)[],
  draw: Draw,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const device of ['a', 'a', 'b'] as const) {
    const database = await copyOf(device);
    for (const table of tables) entries.push(...(await writeRows(database, table, draw)));
  }
  return entries;
}

/** Everything at least once, in any order. */
function shuffle(draw: Draw, entries: readonly Entry[]): Entry[] {
  const again = draw(fc.subarray([...entries]));
  const all = [...entries, ...again];
  return draw(fc.shuffledSubarray(all, { minLength: all.length }));
}

function contextOf(transaction: Transaction): ApplyContext {
  const { round } = needState(transaction);
  const shapes = new Shapes();
  const basis = { transaction, ring: null, meta: META, round, shapes, parking: {} };
  return newContext({ ...basis, isHeld: () => true });
}

/** Applies entries as they stand, in transactions of any size. */
async function apply(database: Database, entries: readonly Entry[], draw: Draw): Promise<void> {
  for (let start = 0; start < entries.length;) {
    const end = start + draw(fc.integer({ min: 1, max: 20 }));
    await database.write(clock, (transaction) => {
      const context = contextOf(transaction);
      for (const entry of entries.slice(start, end)) {
        if (entry.table === CHUNK_TABLE) keepPiece(transaction, entries, entry);
        else applyEntries(context, [openEntry(null, entry, META)]);
      }
      finishStep(context);
    });
    start = end;
  }
  await settle(database);
}

/** Of a body, the piece that came: whose it is says the entry that refers to it. */
function keepPiece(transaction: Transaction, entries: readonly Entry[], piece: Entry): void {
  for (const entry of entries) {
    if (entry.table === CHUNK_TABLE) continue;
    const one = openEntry(null, entry, META);
    const body = one.kind === 'parked' ? undefined : one.payload.h;
    if (!body || chunkId(null, body.root ?? '') !== piece.id) continue;
    const position = Number(piece.register.split('/').at(-1));
    if (chunkRegister(null, body, position) !== piece.register) continue;
    keepChunk(transaction, null, body, position, piece);
    return;
  }
}

/** The end of a pull: parked entries are tried again, derived columns follow. */
async function settle(database: Database): Promise<void> {
  await database.write(clock, (transaction) => {
    const parked = readParked(transaction, 1000);
    const again = parked.map(({ entry }) => openEntry(null, entry, META));
    const context = contextOf(transaction);
    retryParked(context, parked, again);
    finishStep(context);
    while (refreshStale(transaction, 100) > 0);
  });
}

/** A store to which entries were applied. */
async function stored(
  device: (typeof DEVICES)[number],
  entries: readonly Entry[],
  draw: Draw,
): Promise<Database> {
  const database = await copyOf(device);
  await apply(database, entries, draw);
  return database;
}

/** All of what is synced, with its versions; and what is kept for later. */
function stateOf(database: Database): Promise<unknown> {
  return database.read((reader) => ({
    tables: Object.fromEntries(SYNCED.map((table) => [table.name, contentOf(reader, table)])),
    clashes: reader.rows('select table_name, row_id, original_id from clashes order by 1, 2'),
    unknown: reader
      .rows('select table_name, row_id, register, columns from unknown_columns order by 1, 2, 3')
      .map(([table, id, register, columns]) => [
        table,
        id,
        register,
        JSON.parse(columns as string) as unknown,
      ]),
    parked: reader.rows(
      'select table_name, hub_id, register, version, schema, hex(payload), reason from parked order by 1, 2, 3',
    ),
  }));
}

/** All that a store would send to a hub that has nothing. */
function everything(database: Database): Promise<Entry[]> {
  return database.read((reader) => [
    ...SYNCED.flatMap((table) => entriesOf(reader, table)),
    ...readParked(reader, 1000).map(({ entry }) => entry),
  ]);
}

function entriesOf(reader: Reader, table: MutableTable | ImmutableTable): Entry[] {
  const ids = reader.rows(`select id from ${table.name}`).map((row) => row[0] as string);
  const rows = rowsById(reader, table, ids);
  const clashes = originalIds(reader, table.name);
  return ids.flatMap((id) => {
    const row = rows.get(id) as Columns;
    const unknown = unknownColumns(reader, table.name, id);
    const ready =
      table.kind === 'mutable'
        ? registerEntries(reader, null, table, row, '*', {
            bases: [],
            ancestors: new Map(),
            unknown,
          })
        : [rowEntry(reader, null, table, row, clashes.get(id) ?? id, unknown.get(''))];
    return toEntries(reader, ready);
  });
}

describe.each(SYNCED.map((table) => [table.name, table] as const))('applying %s', (_, table) => {
  it('is commutative and idempotent: any order, grouping and repetition gives the same', async () => {
    await forAny(async (draw) => {
      const entries = await writeApart([table], draw);
      const expected = await stateOf(await stored('c', entries, draw));
      const other = await stored('d', shuffle(draw, entries), draw);
      expect(await stateOf(other)).toEqual(expected);
      await apply(other, shuffle(draw, entries), draw);
      expect(await stateOf(other)).toEqual(expected);
    }, 4);
  });

  it('is associative: what stores made of parts of it merges to the same', async () => {
    await forAny(async (draw) => {
      const entries = await writeApart([table], draw);
      const pieces = entries.filter((entry) => entry.table === CHUNK_TABLE);
      const whole = entries.filter((entry) => entry.table !== CHUNK_TABLE);
      const side = whole.map(() => draw(fc.boolean()));
      const part = (mine: boolean) => [...pieces, ...whole.filter((_, i) => side[i] === mine)];
      const expected = await stateOf(await stored('c', entries, draw));
      const left = await stored('d', part(true), draw);
      const right = await stored('e', part(false), draw);
      const [fromLeft, fromRight] = [await everything(left), await everything(right)];
      await apply(left, shuffle(draw, fromRight), draw);
      await apply(right, shuffle(draw, fromLeft), draw);
      expect(await stateOf(left)).toEqual(expected);
      expect(await stateOf(right)).toEqual(expected);
    }, 4);
  });
});

describe('entries of a newer schema', () => {
  it('are parked in any order, offered to a hub that lost them, and applied after an upgrade', async () => {
    await forAny(async (draw) => {
      const entries = await writeApart([tasks, auditLog], draw);
      const newer = entries.map((entry) => ({ ...entry, schema: draw(fc.constantFrom(1, 2)) }));
      // The hub holds one version of a register: that of the entry with the highest one.
      const held = newestOf(newer);
      const one = await stored('c', held, draw);
      const other = await stored('d', shuffle(draw, held), draw);
      expect(await stateOf(other)).toEqual(await stateOf(one));

      const waiting = held.filter((entry) => entry.schema === 2).map(keyOf);
      const offered = await one.write(clock, (transaction) => {
        offerAll(transaction);
        const limits = { rows: 1000, bytes: 1 << 20 };
        return readBatch(transaction, needState(transaction), null, limits, new Map());
      });
      const parked = offered?.sending.map(({ entry }) => ({ ...entry, seq: 0 })) ?? [];
      const sent = parked.filter((entry) => entry.schema === 2);
      expect(sent.map(keyOf).sort()).toEqual(waiting.sort());
      for (const entry of sent) {
        const first = held.find((candidate) => keyOf(candidate) === keyOf(entry));
        expect(Buffer.from(entry.payload).equals(Buffer.from(first?.payload ?? []))).toBe(true);
      }

      const upgraded = await openOfSchema2();
      await other.write(clock, (transaction) => {
        const rows = readParked(transaction, 1000);
        const again = rows.map(({ entry }) => upgraded(null, entry, META));
        retryParked(contextOf(transaction), rows, again);
      });
      const older = held.map((entry) => ({ ...entry, schema: 1 }));
      expect(await stateOf(other)).toEqual(await stateOf(await stored('e', older, draw)));
    }, 5);
  });
});

const keyOf = ({ table, id, register, version }: Entry) =>
  JSON.stringify([table, id, register, version]);

function newestOf(entries: readonly Entry[]): Entry[] {
  const newest = new Map<string, Entry>();
  for (const entry of entries) {
    const key = JSON.stringify([entry.table, entry.id, entry.register]);
    const held = newest.get(key);
    if (!held || held.version < entry.version) newest.set(key, entry);
  }
  return [...newest.values()];
}

/** This very code, one schema later. */
async function openOfSchema2(): Promise<typeof openEntry> {
  vi.resetModules();
  vi.doMock('../../src/sync/schema.ts', async (original) => ({
    ...(await original<object>()),
    SCHEMA: 2,
  }));
  try {
    return (await import('../../src/sync/apply/open-entry.ts')).openEntry;
  } finally {
    vi.doUnmock('../../src/sync/schema.ts');
    vi.resetModules();
  }
}

const FAMILY = [
  sessions,
  sessionMessages,
  artifacts,
  tasks,
  runtimeThreads,
  runtimeTurns,
  runtimeItems,
  runtimeEvents,
];

describe('a purge', () => {
  it('leaves the same nothing whatever came first, once the stores have told each other', async () => {
    await forAny(async (draw) => {
      const entries = await writeApart(FAMILY, draw);
      entries.push(...(await purgedSomewhere(entries, draw)));
      const stores = [];
      for (const device of ['c', 'd', 'e'] as const) {
        stores.push(await stored(device, shuffle(draw, entries), draw));
      }
      await tellEachOther(stores, draw);
      const [first, ...others] = await Promise.all(stores.map(stateOf));
      for (const other of others) expect(other).toEqual(first);
    }, 5);
  });
});

/** A store that has some of the entries purges a root; what it then has to send. */
async function purgedSomewhere(entries: readonly Entry[], draw: Draw): Promise<Entry[]> {
  const database = await stored('b', draw(fc.subarray([...entries])), draw);
  const table = draw(fc.constantFrom(sessions, tasks, runtimeThreads));
  await database.write({ now: () => 9 }, (transaction) => {
    if (transaction.number(`select count(*) from ${table.name} where id = 'r0'`) === 0) return;
    transaction.update(table, 'r0', { deleted_at: 9, purged_at: 9 });
    sweepPurged(transaction, table.name, 'r0');
  });
  return outgoing(database);
}

/** What a store noted for the hub; it is sent and forgotten. */
async function outgoing(database: Database): Promise<Entry[]> {
  return database.write(clock, (transaction) => {
    const limits = { rows: 1000, bytes: 1 << 20 };
    const batch = readBatch(transaction, needState(transaction), null, limits, new AllSent());
    for (const number of batch?.trim.notes ?? []) {
      transaction.run('delete from outbox where number = ?', [number]);
    }
    return batch?.sending.map(({ entry }) => ({ ...entry, seq: 0 })) ?? [];
  });
}

/** Each body as if its pieces were on the hub. */
class AllSent extends Map<string, number> {
  override get(): number {
    return 1_000;
  }
}

/** Until nobody has anything to say. */
async function tellEachOther(stores: readonly Database[], draw: Draw): Promise<void> {
  for (let round = 0; round < 10; round++) {
    const told = await Promise.all(stores.map(outgoing));
    if (told.every((entries) => entries.length === 0)) return;
    for (const [i, store] of stores.entries()) {
      const heard = told.filter((_, from) => from !== i).flat();
      await apply(store, shuffle(draw, heard), draw);
    }
  }
  throw new Error('the stores never come to rest');
}
