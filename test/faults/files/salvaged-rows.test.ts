import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Driver from 'libsql';
import { afterAll, describe, expect, it } from 'vitest';
import { openStore } from '../../../src/index.ts';
import type { Random } from '../../simulation/random.ts';
import { legacyHome } from '../../support/legacy-home.ts';
import { rounds, seeded } from '../sync/seed.ts';
import { damageAt, PAGE, pagesOf } from './damage.ts';
import { newPath, rebuilt } from './rebuilt.ts';
import { placedRows, type PlacedRow } from './tree-pages.ts';

const NUMBERED = ['session_messages', 'runtime_events', 'audit_log'];
const OTHERS = ['automation_runs', 'runtime_items', 'tasks'];
const TABLES = [...NUMBERED, ...OTHERS];

interface Sound {
  readonly path: string;
  /** Where the rows of each table stand, and what each of them is, by its number. */
  readonly places: ReadonlyMap<string, readonly PlacedRow[]>;
  readonly rows: ReadonlyMap<string, ReadonlyMap<number, string>>;
}

const folder = mkdtempSync(join(tmpdir(), 'cws-salvaged-'));
let made: Promise<Sound> | undefined;

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** An imported store, its log moved into it; its events are so many that their tree has three levels. */
function soundStore(): Promise<Sound> {
  made ??= makeStore(join(folder, 'store.db'));
  return made;
}

async function makeStore(path: string): Promise<Sound> {
  const { home } = legacyHome('--seed', '5', '--sessions', '8', '--events', '400');
  const store = await openStore({ path, durability: 'normal' });
  await store.import([home]);
  const { id } = await store.runtime.createThread({ workspace: '/w', model: 'm' });
  const events = Array.from({ length: 2400 }, (_, n) => ({
    type: 'note',
    payload: { n, text: 'of a thread that grew '.repeat(40) },
  }));
  await store.events.append(id, events);
  await store.close();
  const driver = new Driver(path);
  driver.exec('pragma wal_checkpoint(truncate)');
  driver.close();
  return {
    path,
    places: new Map(TABLES.map((table) => [table, placedRows(path, table)])),
    rows: new Map(TABLES.map((table) => [table, rowsById(path, table)])),
  };
}

/** Of each row its id and its body, by its number. */
function rowsById(path: string, table: string): Map<number, string> {
  const driver = new Driver(path);
  const sql = `select rowid, id || ' ' || coalesce(cast(body as text), body_hash) from ${table}`;
  const rows = driver.prepare(sql).raw().all() as [number, string][];
  driver.close();
  return new Map(rows);
}

/** Overwrites so many bytes somewhere in a page, behind its first ones where `from` says so. */
function spoil(path: string, page: number, random: Random, length: number, from = 0): void {
  const at = from + random.below(PAGE - from - length + 1);
  const bytes = Buffer.from(Array.from({ length }, () => random.below(256)));
  damageAt(path, (page - 1) * PAGE + at, bytes);
}

/**
 * Rebuilds a copy with damaged pages: every row that these neither hold nor lead to is there, and what is not
 * there is told.
 */
async function expectRest(path: string, damaged: ReadonlySet<number>): Promise<void> {
  const { places, rows } = await soundStore();
  const { of } = await rebuilt(path);
  for (const table of TABLES) {
    const before = rows.get(table) ?? new Map<number, string>();
    const after = new Set(rowsById(path, table).values());
    const untouched = (places.get(table) ?? []).filter(
      ({ pages }) => !pages.some((page) => damaged.has(page)),
    );
    const gone = untouched.filter(({ rowid }) => !after.has(before.get(rowid) as string));
    const { saved = 0, lost = 0 } = of(table) ?? {};
    expect({ table, gone: gone.length }).toEqual({ table, gone: 0 });
    if (lost !== null) expect(saved + lost, table).toBeGreaterThanOrEqual(before.size);
  }
}

// Row 26 of the fault matrix: damage that SQLite does not notice when it goes along a table.
describe('of a store in which bytes of pages were overwritten, every other row is there', () => {
  it.each([
    ['a leaf of each table', 600, 8, 1],
    ['most of a leaf of each table', 3400, 600, 1],
    ['some bytes of leaves of each table', 12, 0, 3],
  ])('%s', async (_, length, from, count) => {
    const random = seeded('salvaged-rows');
    const { path: sound } = await soundStore();
    for (let round = 0; round < rounds(1); round++) {
      const path = newPath();
      copyFileSync(sound, path);
      const damaged = new Set<number>();
      for (const table of TABLES) {
        for (let i = 0; i < count; i++) damaged.add(random.pick(pagesOf(sound, table)));
      }
      for (const page of damaged) spoil(path, page, random, length, from);
      await expectRest(path, damaged);
    }
  });

  it('the number of a row, which became that of another one, before one that is far too high', async () => {
    const { path: sound, places } = await soundStore();
    const path = newPath();
    copyFileSync(sound, path);
    // Of two bytes each; the last one on another page.
    const rows = (places.get('runtime_events') ?? []).filter(({ rowid }) => rowid > 127);
    const at = rows.findIndex(
      ({ pages }, i) => i > 40 && pages.at(-1) === rows[i + 1]?.pages.at(-1),
    );
    const [row, next, other] = [rows[at], rows[at + 1], rows[at + 400]] as [
      PlacedRow,
      PlacedRow,
      PlacedRow,
    ];
    damageAt(path, row.offset, Buffer.from([0x80 | (other.rowid >> 7), other.rowid & 0x7f]));
    damageAt(path, next.offset, Buffer.from([0xff, 0x7f]));
    await expectRest(path, new Set(row.pages.slice(-1)));
  });

  it('pages that lead to rows', async () => {
    const random = seeded('salvaged-rows, inner pages');
    const { path: sound } = await soundStore();
    for (let round = 0; round < rounds(1); round++) {
      const path = newPath();
      copyFileSync(sound, path);
      const page = random.pick(pagesOf(sound, 'runtime_events', 'internal').slice(1));
      spoil(path, page, random, 60);
      await expectRest(path, new Set([page]));
    }
  });

  it('pages anywhere', async () => {
    const random = seeded('salvaged-rows, anywhere');
    const { path: sound, places } = await soundStore();
    for (let round = 0; round < rounds(1); round++) {
      const path = newPath();
      copyFileSync(sound, path);
      const pages = [...places.values()].flat().flatMap((row) => row.pages.slice(1));
      const damaged = new Set(Array.from({ length: 25 }, () => random.pick(pages)));
      for (const page of damaged) spoil(path, page, random, 600);
      await expectRest(path, damaged);
    }
  });
});
