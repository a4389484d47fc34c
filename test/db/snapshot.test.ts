import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { fileSize } from '../../src/db/file-facts.ts';
import { openDatabase } from '../../src/db/open.ts';
import type { Reader } from '../../src/db/reader.ts';
import { tempFolder } from '../support/temp-store.ts';

const counter = (reader: Reader) => reader.number('select clock_counter from device');

async function tempDatabase() {
  const path = join(tempFolder(), 'store.db');
  const database = await openDatabase(path, { durability: 'normal', readOnly: false }, Date.now);
  onTestFinished(() => database.close());
  const count = () =>
    database.write({ now: Date.now }, (transaction) => {
      transaction.run('update device set clock_counter = clock_counter + 1');
    });
  return { path, database, count };
}

it('a snapshot sees one state from first to last', async () => {
  const { database, count } = await tempDatabase();
  const seen = await database.snapshot(async (read) => {
    const before = await read(counter);
    await count();
    return [before, await read(counter)];
  });
  expect(seen[1]).toBe(seen[0]);
  expect(await database.read(counter)).toBe((seen[0] ?? 0) + 1);
});

it('who closes a database ends its snapshots: the file alone has all of it', async () => {
  const { path, database, count } = await tempDatabase();
  const reading = database.snapshot(async (read) => {
    await read(counter);
    await count();
    await database.close();
    expect(fileSize(`${path}-wal`)).toBe(0);
    return read(counter);
  });
  await expect(reading).rejects.toMatchObject({ code: 'CLOSED' });
});

it('a snapshot that is over keeps nothing in the log', async () => {
  const { path, database, count } = await tempDatabase();
  await database.snapshot((read) => read(counter));
  await count();
  await database.exclusive((connection) => connection.row('pragma wal_checkpoint(truncate)'));
  expect(fileSize(`${path}-wal`)).toBe(0);
});
