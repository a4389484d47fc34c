import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Connection } from '../../src/db/connection.ts';
import { Database } from '../../src/db/database.ts';
import { tempFolder } from '../support/temp-store.ts';

it('answers for the parameters that it was given, whichever way the same text ran before', () => {
  const connection = new Connection(':memory:', { busyWaitMs: 0, readOnly: false });
  connection.exec('create table t (id text primary key, n integer) strict');
  for (const [id, n] of [
    ['a', 1],
    ['b', 2],
    ['c', 3],
  ] as const) {
    connection.run('insert into t (id, n) values (?, ?)', [id, n]);
  }
  const sql = 'select n from t where id = ?';
  expect(connection.rows(sql, ['a'])).toEqual([[1]]);
  expect(connection.row(sql, ['b'])).toEqual([2]);
  expect(connection.rows(sql, ['c'])).toEqual([[3]]);
  expect(connection.row(sql, ['a'])).toEqual([1]);
  const update = 'update t set n = n + 10 where id = ? returning n';
  expect(connection.rows(update, ['a'])).toEqual([[11]]);
  connection.run(update, ['b']);
  expect(connection.row(update, ['c'])).toEqual([13]);
  expect(connection.rows('select n from t order by id')).toEqual([[11], [12], [13]]);
  connection.close();
});

it('is not used again once a prepared statement of it has met a lock', async () => {
  const path = join(tempFolder(), 'store.db');
  const settings = { busyWaitMs: 0, readOnly: false };
  writeFileSync(path, '');
  const other = new Connection(path, settings);
  other.exec('pragma journal_mode = wal; create table t (n integer) strict');
  const database = new Database(path, { durability: 'full', readOnly: false });
  const insert = (n: number) => (one: Connection) => one.run('insert into t (n) values (?)', [n]);
  await database.exclusive(insert(1));
  other.exec('begin immediate');
  const waiting = database.exclusive(insert(2));
  await sleep(50);
  other.exec('commit');
  await waiting;
  await database.exclusive(insert(3));
  // The driver's word that something was written counts for nothing after a lock: what others see does.
  expect(new Connection(path, settings).rows('select n from t order by n')).toEqual([
    [1],
    [2],
    [3],
  ]);
  expect(database.dropped).toBeGreaterThan(0);
  await database.close();
});
