import { expect, it } from 'vitest';
import { Connection } from '../../src/db/connection.ts';

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
