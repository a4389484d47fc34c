import { join } from 'node:path';
import Driver from 'libsql';
import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/index.ts';
import { stateHome, stateRows } from '../support/state-db-home.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';

const BOTH = [
  [1n, 'one', null],
  [2n, 'two', 1n],
] as const;
/** Two copies of one state.db that went on apart. */
const homeA = () =>
  stateHome({ updatedAt: 100, leaf: 3n, messages: [...BOTH, [3n, 'third in A', 2n]] });
const homeB = () =>
  stateHome({
    updatedAt: 200,
    leaf: 4n,
    messages: [...BOTH, [3n, 'third in B', 2n], [4n, 'fourth in B', 3n]],
  });
const homeB3 = () =>
  stateHome({ updatedAt: 200, leaf: 3n, messages: [...BOTH, [3n, 'third in B', 2n]] });

async function conversation(store: Store): Promise<unknown[]> {
  const { items } = await store.threads.messages('t1');
  return items.map((message) => message.content);
}

function allMessages(store: Store): string[] {
  const driver = new Driver(store.path, { readonly: true });
  const sql = `select json_extract(body, '$.content') from thread_messages order by id`;
  const rows = driver.prepare(sql).raw().all() as string[][];
  driver.close();
  return rows.flat().sort();
}

async function exported(store: Store): Promise<string> {
  const out = join(tempFolder(), 'out');
  await store.export(out, { format: 'legacy' });
  return out;
}

describe('two copies of a state.db that went on apart', () => {
  it('keep both messages of one number, and the thread goes on as its row says', async () => {
    const store = await tempStore();
    const homes = [homeA(), homeB()];
    const report = await store.import(homes);
    expect(report.byKind['state.messages']).toMatchObject({ imported: 5, unchanged: 2 });
    expect(await conversation(store)).toEqual(['one', 'two', 'third in B', 'fourth in B']);
    const all = ['fourth in B', 'one', 'third in A', 'third in B', 'two'];
    expect(allMessages(store)).toEqual(all);
    const again = await store.import(homes);
    expect(again.totals).toMatchObject({ imported: 0, updated: 0 });
    forgetMarks(store);
    expect((await store.import(homes)).totals).toMatchObject({ imported: 0, updated: 0 });
    expect(await conversation(store)).toEqual(['one', 'two', 'third in B', 'fourth in B']);

    const out = await exported(store);
    const rows = stateRows(out, 'messages');
    expect(new Set(rows.map((row) => row['id'])).size).toBe(5);
    const copy = await tempStore();
    expect((await copy.import([out])).totals).toMatchObject({ failed: 0, unchanged: 0 });
    expect(await conversation(copy)).toEqual(['one', 'two', 'third in B', 'fourth in B']);
    expect(allMessages(copy)).toEqual(all);
  });

  it('end where the row that won says, whichever came first', async () => {
    for (const homes of [
      [homeA(), homeB3()],
      [homeB3(), homeA()],
    ]) {
      const store = await tempStore();
      await store.import(homes);
      expect(await conversation(store)).toEqual(['one', 'two', 'third in B']);
      expect(allMessages(store)).toEqual(['one', 'third in A', 'third in B', 'two']);
    }
  });
});

it('a column that an upgrade added makes no other message', async () => {
  const store = await tempStore();
  await store.import([homeA()]);
  const upgraded = stateHome(
    { updatedAt: 100, leaf: 3n, messages: [...BOTH, [3n, 'third in A', 2n]] },
    `alter table messages add column later_m text; update messages set later_m = 'x'`,
  );
  const report = await store.import([upgraded]);
  expect(report.byKind['state.messages']).toMatchObject({ imported: 0, unchanged: 3 });
});

describe('a state.db of a later version', () => {
  it('gives its columns back, and its tables are noted', async () => {
    const home = stateHome(
      { updatedAt: 100, leaf: 2n, messages: BOTH },
      `alter table threads add column later_col text; update threads set later_col = 'kept';
       alter table messages add column "Later m" integer; update messages set "Later m" = 9007199254740993;
       create table later_table (x); pragma user_version = 5`,
    );
    const store = await tempStore();
    const report = await store.import([home]);
    expect(report.problems).toMatchObject([
      { path: 'state.db:later_table', class: 'ignore', reason: 'later_format' },
    ]);
    const out = await exported(store);
    for (const table of ['threads', 'messages']) {
      expect(stateRows(out, table)).toEqual(stateRows(home, table));
    }
    const again = await store.import([home, out]);
    expect(again.totals).toMatchObject({ imported: 0, updated: 0 });
  });

  it('does not make columns of what the library keeps', async () => {
    const store = await tempStore();
    await store.threads.upsert({ id: 't1', cwd: '/w', details: { mine: 1 } });
    const [row] = stateRows(await exported(store), 'threads');
    expect(Object.keys(row ?? {})).not.toContain('mine');
  });
});

it('numbers of messages go through as they are, of 64 bits and negative ones', async () => {
  const numbers = [-5n, 9007199254740993n, 9007199254740994n, 9223372036854775807n];
  const messages = numbers.map(
    (id, i) => [id, `message ${i}`, i === 0 ? null : (numbers[i - 1] ?? null)] as const,
  );
  const home = stateHome(
    { updatedAt: 100, leaf: 9223372036854775807n, messages },
    `pragma foreign_keys = off;
     insert into messages (id, thread_id, role, content, created_at)
     values (9007199254740995, 'gone', 'user', 'orphan', 5)`,
  );
  const store = await tempStore();
  await store.import([home]);
  expect(await conversation(store)).toHaveLength(4);
  await store.threads.appendMessage('t1', { role: 'user', content: 'mine' });
  const rows = stateRows(await exported(store), 'messages');
  // What came with its number needs no mark to be known again.
  const imported = stateRows(home, 'messages').map((row) => ({ ...row, store_row: null }));
  expect(rows.filter((row) => row['content'] !== 'mine')).toEqual(imported);
  expect(rows).toHaveLength(6);
});

it('goals of a state.db of version 3 are the same after an export and its import', async () => {
  const home = stateHome(
    { updatedAt: 100, leaf: 2n, messages: BOTH },
    `alter table thread_goals drop column continuation_count;
     insert into thread_goals values ('t1', 'g', 'o', 'active', null, 1, 2, 3, 4);
     pragma user_version = 3`,
  );
  const [store, copy] = [await tempStore(), await tempStore()];
  await store.import([home]);
  await copy.import([await exported(store)]);
  const goals = async (one: Store) => (await one.sync.verify()).tables['goals'];
  expect(await goals(copy)).toEqual(await goals(store));
});

function forgetMarks(store: Store): void {
  const driver = new Driver(store.path);
  driver.exec('delete from import_sources');
  driver.close();
}

it('tools of a thread that did not change otherwise come in', async () => {
  const store = await tempStore();
  const home = stateHome({ updatedAt: 100, leaf: 1n, messages: [[1n, 'one', null]] });
  await store.import([home]);
  const driver = new Driver(join(home, 'state.db'));
  driver.exec(`insert into thread_dynamic_tools (thread_id, position, name, input_schema)
    values ('t1', 0, 'look', '{}')`);
  driver.close();
  await store.import([home]);
  expect((await store.threads.tools('t1')).map(({ name }) => name)).toEqual(['look']);
});
