import { join } from 'node:path';
import Driver from 'libsql';
import { expect, it, onTestFinished } from 'vitest';
import type { Database } from '../../src/db/database.ts';
import { openDatabase } from '../../src/db/open.ts';
import { Store } from '../../src/store.ts';
import { readBatch } from '../../src/sync/batch.ts';
import { needState } from '../../src/sync/state.ts';
import { turnOn } from '../support/sync-device.ts';
import { tempFolder } from '../support/temp-store.ts';

const LIMITS = { rows: 2000, bytes: 1 << 20 };
const SETTINGS = { durability: 'normal', readOnly: false } as const;

/** A store, and another program that writes an event into it whenever it is told to. */
async function shared(): Promise<{ database: Database; append: () => void }> {
  const path = join(tempFolder(), 'store.db');
  const database = await openDatabase(path, SETTINGS, Date.now);
  const store = new Store(database, { now: Date.now });
  onTestFinished(() => store.close());
  await turnOn(database, Date.now, 'one');
  const { id } = await store.runtime.createThread({ workspace: '/w' });
  await store.events.append(id, [{ type: 'first', payload: null }]);
  const other = new Driver(path, { timeout: 1000 });
  let seq = 1;
  const append = () => {
    seq++;
    other
      .prepare(
        `insert into runtime_events (id, device, thread_id, seq, type, created_at, body)
         select 'E' || ?, id, ?, ?, 'later', 0, 'null' from device`,
      )
      .run([seq, id, seq]);
  };
  return { database, append };
}

it('a read sees one state of the store, whatever other programs commit meanwhile', async () => {
  const { database, append } = await shared();
  const count = 'select count(*) from runtime_events';
  const [before, after] = await database.read((reader) => {
    const first = reader.number(count);
    append();
    return [first, reader.number(count)];
  });
  expect(after).toBe(before);
  expect(await database.read((reader) => reader.number(count))).toBe(before + 1);
});

it('a read that throws leaves nothing open: the next one sees what came since', async () => {
  const { database, append } = await shared();
  const count = 'select count(*) from runtime_events';
  const failed = database.read((reader) => {
    reader.number(count);
    throw new Error('of the caller');
  });
  await expect(failed).rejects.toThrow('of the caller');
  append();
  expect(await database.read((reader) => reader.number(count))).toBe(2);
});

it('an event that another program writes while a push is gathered is sent by the next one', async () => {
  const { database, append } = await shared();
  const gather = (meanwhile: () => void) =>
    database.read((reader) => {
      const state = needState(reader);
      const number = reader.number.bind(reader);
      reader.number = (sql: string, ...params: []) => {
        // The rows are read; how far the table goes is not.
        if (sql.includes('max(number) from runtime_events')) meanwhile();
        return number(sql, ...params);
      };
      return readBatch(reader, state, null, LIMITS, new Map());
    });
  let happened = 0;
  const batch = await gather(() => {
    happened++;
    append();
  });
  expect(happened).toBe(1);
  const events = batch?.sending.filter(({ entry }) => entry.table === 'runtime_events') ?? [];
  expect(events).toHaveLength(1);
  expect(batch?.trim.numbers.get('runtime_events')).toBe(1);
});
