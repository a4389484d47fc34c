import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contentHashOf, type Payload } from '../../src/db/content.ts';
import type { Database } from '../../src/db/database.ts';
import { openDatabase } from '../../src/db/open.ts';
import { applyEntries } from '../../src/sync/apply/apply-entries.ts';
import { RUN_ROWS } from '../../src/sync/apply/apply-run.ts';
import { finishStep, newContext } from '../../src/sync/apply/context.ts';
import { openEntry } from '../../src/sync/apply/open-entry.ts';
import { blank, Shapes } from '../../src/sync/apply/shape.ts';
import { PURGED_VERSION } from '../../src/sync/outgoing.ts';
import type { Row, Transaction } from '../../src/db/transaction.ts';
import { runtimeThreads, sessions, threads } from '../../src/model/registers.ts';
import type { MutableTable } from '../../src/model/table-kinds.ts';
import type { Entry } from '../../src/sync/pull-statements.ts';
import { SCHEMA } from '../../src/sync/schema.ts';
import { sealPayload } from '../../src/sync/seal.ts';

const META = { nowMs: 1000, floorMs: 0 };
const clock = { now: () => 1000 };

let folder: string;
let made = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cws-run-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** What may stand in the middle of a run. */
const KINDS = [
  'plain',
  'again',
  'other content',
  'purged',
  'purged record',
  'newer column',
  'kept apart',
  'pieces missing',
  'wrong type',
  'beyond all times',
  'refused by the schema',
  'damaged',
  'of another table',
] as const;
type Kind = (typeof KINDS)[number];

const COLUMNS: Readonly<Record<string, (n: number) => Payload['c']>> = {
  runtime_events: (n) => ({ thread_id: `t${n % 3}`, type: 'note', created_at: n }),
  session_messages: (n) => ({ session_id: `s${n % 3}`, role: 'user', created_at: n }),
  thread_messages: (n) => ({ thread_id: `t${n % 3}`, role: 'user', created_at: n }),
  audit_log: (n) => ({ event: 'note', created_at: n }),
};
const TABLES = Object.keys(COLUMNS);
/** A text column of each, of which the test's schema refuses one value. */
const TEXT: Readonly<Record<string, string>> = {
  runtime_events: 'type',
  session_messages: 'role',
  thread_messages: 'role',
  audit_log: 'event',
};
const OWNER: Readonly<Record<string, string>> = {
  runtime_events: 'thread_id',
  session_messages: 'session_id',
  thread_messages: 'thread_id',
};

interface Step {
  readonly kind: Kind;
  /** Which earlier row it has to do with. */
  readonly of: number;
}

/** The entries of one table, in the order of the hub. */
function entriesOf(table: string, steps: readonly Step[]): Entry[] {
  const rows: Payload[] = [];
  const other = table === 'thread_messages' ? 'session_messages' : 'thread_messages';
  return steps.map(({ kind, of }, n) => {
    if (kind === 'of another table') {
      const row = payloadFor(other, 'plain', n, undefined);
      return entry(other, contentHashOf(other, row), '', row, n);
    }
    const former = rows[of % Math.max(1, rows.length)];
    const row = payloadFor(table, kind, n, former);
    if (kind === 'plain') rows.push(row);
    const register = contentHashOf(table, row);
    if (kind === 'purged') return entry(table, register, PURGED_VERSION, { ...row, x: 1 }, n);
    const sealed = entry(table, register, '', row, n);
    return kind === 'damaged' ? { ...sealed, payload: Uint8Array.of(9) } : sealed;
  });
}

function payloadFor(table: string, kind: Kind, n: number, former: Payload | undefined): Payload {
  const c = (COLUMNS[table] as (n: number) => Payload['c'])(n);
  const plain = { i: `r${n}`, c, t: `{"n":${n}}`, d: 'there' };
  const text = TEXT[table] as string;
  const owner = OWNER[table];
  switch (kind) {
    case 'again':
    case 'purged':
      return former ?? plain;
    case 'other content':
      return { ...plain, i: former?.i ?? plain.i };
    case 'purged record':
      return owner === undefined ? plain : { ...plain, c: { ...c, [owner]: 'gone' } };
    case 'newer column':
      return { ...plain, c: { ...c, later_note: 'n' } };
    case 'kept apart':
      return { ...plain, t: JSON.stringify(`${n} ${'x'.repeat(5000)}`) };
    case 'pieces missing': {
      const { t: _inline, ...rest } = plain;
      return { ...rest, h: { hash: 'a'.repeat(64), size: 2 << 20 } };
    }
    case 'wrong type':
      return { ...plain, c: { ...c, created_at: 'noon' } };
    case 'beyond all times':
      return { ...plain, c: { ...c, created_at: 8.64e15 + 1 } };
    case 'refused by the schema':
      return { ...plain, c: { ...c, [text]: 'refused' } };
    default:
      return plain;
  }
}

function entry(
  table: string,
  register: string,
  version: string,
  payload: Payload,
  n: number,
): Entry {
  const key = { table, id: payload.i, register, version };
  const { bytes, keyNumber } = sealPayload(null, key, JSON.stringify(payload));
  return { seq: n + 1, ...key, keyNumber, schema: SCHEMA, payload: bytes };
}

interface Store {
  readonly database: Database;
  /** Statements that inserted many rows. */
  readonly runs: () => number;
}

async function newStore(): Promise<Store> {
  let runs = 0;
  const path = join(folder, `${made++}.db`);
  const onStatement = (sql: string) => {
    if (/^insert into (?:runtime_events|\w+_messages|audit_log) .*\), \(/.test(sql)) runs++;
  };
  const options = { durability: 'normal', readOnly: false, onStatement } as const;
  const database = await openDatabase(path, options, clock.now);
  await database.write(clock, (transaction) => {
    for (const [table, column] of Object.entries(TEXT)) {
      transaction.run(`create trigger refuse_${table} before insert on ${table}
        when new.${column} = 'refused' begin select raise (abort, 'refused'); end`);
    }
    transaction.run('update device set capturing = 1');
    for (const table of [sessions, threads, runtimeThreads]) addPurged(transaction, table);
  });
  return { database, runs: () => runs };
}

/** A record that was emptied for good. */
function addPurged(transaction: Transaction, table: MutableTable): void {
  const row: Row = { id: 'gone' };
  for (const [name, column] of new Shapes().of(transaction, table.name)) {
    if (name !== 'id') row[name] = blank(column);
  }
  transaction.insertPlain(table.name, [{ ...row, purged_at: 1, body: '{}' }]);
}

/** Applies entries in transactions of so many, each in slices of so many. */
async function apply(
  { database }: Store,
  entries: readonly Entry[],
  sizes: { readonly transaction: number; readonly slice: number },
): Promise<{ applied: number; parked: number }> {
  const sum = { applied: 0, parked: 0 };
  const parking = {};
  for (let start = 0; start < entries.length; start += sizes.transaction) {
    const some = entries.slice(start, start + sizes.transaction);
    await database.write(clock, (transaction) => {
      const shapes = new Shapes();
      const context = newContext({
        transaction,
        ring: null,
        meta: META,
        round: 7,
        shapes,
        parking,
        isHeld: () => true,
      });
      for (let at = 0; at < some.length; at += sizes.slice) {
        const opened = some.slice(at, at + sizes.slice).map((one) => openEntry(null, one, META));
        const { applied, parked } = applyEntries(context, opened);
        sum.applied += applied;
        sum.parked += parked;
      }
      finishStep(context);
    });
  }
  return sum;
}

/** Every row of every table that applying writes, with the numbers that stand for the order. */
async function stateOf({ database }: Store): Promise<unknown> {
  const tables = [...TABLES, 'parked', 'clashes', 'unknown_columns', 'outbox', 'stale_roots'];
  return database.read((reader) =>
    [...tables, 'search_docs', 'blobs'].map((table) => {
      const names = reader
        .rows('select name from pragma_table_info(?) order by cid', [table])
        .map(([name]) => (name === 'payload' ? 'hex(payload) as payload' : String(name)));
      const order = names.includes('number') ? 'number' : names.slice(0, 3).join(', ');
      return [table, reader.list(names, `from ${table} order by ${order}`)];
    }),
  );
}

const stepOf = (kinds: fc.Arbitrary<Kind>) => fc.record({ kind: kinds, of: fc.nat(200) });
const steps = fc.array(
  stepOf(
    fc.oneof(
      { weight: 60, arbitrary: fc.constant<Kind>('plain') },
      { weight: 1, arbitrary: fc.constantFrom(...KINDS) },
    ),
  ),
  { minLength: RUN_ROWS, maxLength: 4 * RUN_ROWS, size: 'max' },
);
const PLAIN = Array.from({ length: 2 * RUN_ROWS }, (): Step => ({ kind: 'plain', of: 0 }));
const ONE_BY_ONE = { transaction: 1000, slice: 1 };

describe.each(TABLES)('rows of %s that come together', (table) => {
  test('leave the store as one by one, in batches of any size', async () => {
    let runs = 0;
    const sizes = fc.record({
      transaction: fc.integer({ min: 1, max: 150 }),
      slice: fc.integer({ min: RUN_ROWS, max: 150 }),
    });
    await fc.assert(
      fc.asyncProperty(steps, steps, sizes, async (first, second, size) => {
        // Rows of the second list find those of the first already here, with other content or none.
        const entries = [...entriesOf(table, first), ...entriesOf(table, second)];
        const [single, many] = [await newStore(), await newStore()];
        try {
          const expected = await apply(single, entries, ONE_BY_ONE);
          expect(await apply(many, entries, size)).toEqual(expected);
          expect(await stateOf(many)).toEqual(await stateOf(single));
          expect(single.runs()).toBe(0);
          runs += many.runs();
        } finally {
          await single.database.close();
          await many.database.close();
        }
      }),
      // The example is one of runs whatever the others are.
      {
        numRuns: 6,
        endOnFailure: true,
        examples: [[PLAIN, PLAIN, { transaction: 99, slice: 99 }]],
      },
    );
    expect(runs).toBeGreaterThan(0);
  });

  test.each(KINDS.filter((kind) => kind !== 'plain'))(
    'of which one in the middle is: %s',
    async (kind) => {
      const plain = Array.from(
        { length: RUN_ROWS + 10 },
        () => ({ kind: 'plain', of: 0 }) as const,
      );
      const entries = entriesOf(table, [...plain, { kind, of: RUN_ROWS + 2 }, ...plain, ...plain]);
      const [single, many] = [await newStore(), await newStore()];
      const expected = await apply(single, entries, ONE_BY_ONE);
      const whole = { transaction: entries.length, slice: entries.length };
      expect(await apply(many, entries, whole)).toEqual(expected);
      expect(await stateOf(many)).toEqual(await stateOf(single));
      expect(many.runs()).toBeGreaterThanOrEqual(2);
      expect(expected.applied).toBeGreaterThanOrEqual(3 * plain.length);
      if (kind === 'beyond all times') expect(expected.parked).toBe(1);
      await single.database.close();
      await many.database.close();
    },
  );

  test('are parked no more once they can be read', async () => {
    const list = (kind: Kind) => Array.from({ length: RUN_ROWS }, () => ({ kind, of: 0 }));
    const store = await newStore();
    const whole = { transaction: RUN_ROWS, slice: RUN_ROWS };
    expect(await apply(store, entriesOf(table, list('damaged')), whole)).toEqual({
      applied: 0,
      parked: RUN_ROWS,
    });
    await apply(store, entriesOf(table, list('plain')), whole);
    expect(store.runs()).toBe(1);
    const left = await store.database.read((reader) => reader.rows('select reason from parked'));
    expect(left).toEqual([]);
    await store.database.close();
  });
});
