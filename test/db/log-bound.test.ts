import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Connection } from '../../src/db/connection.ts';
import { fileSize } from '../../src/db/file-facts.ts';
import { openDatabase } from '../../src/db/open.ts';
import { patchFs } from '../support/patch-fs.ts';
import { tempFolder } from '../support/temp-store.ts';

const BOUND = 64 << 20;
const MIB = 1 << 20;

it('a log past its bound is begun anew as soon as nobody keeps a state in it', async () => {
  const path = join(tempFolder(), 'store.db');
  let tries = 0;
  const onStatement = (sql: string) => {
    if (sql.includes('wal_checkpoint(restart)')) tries++;
  };
  const options = { durability: 'normal', readOnly: false, onStatement } as const;
  const database = await openDatabase(path, options, Date.now);
  onTestFinished(() => database.close());
  const write = (bytes: number) =>
    database.write({ now: Date.now }, (transaction) => {
      transaction.run('create table if not exists filler (bytes blob)');
      transaction.run(`insert into filler values (randomblob(${bytes}))`);
    });
  await write(1);
  const reader = new Connection(path, { busyWaitMs: 0, readOnly: true });
  onTestFinished(() => {
    reader.close();
  });
  reader.exec('begin');
  reader.row('select count(*) from filler');

  for (let i = 0; i < 140; i++) await write(MIB);

  // It was tried, and did no harm while somebody stayed in the past.
  expect(tries).toBeGreaterThan(0);
  expect(fileSize(`${path}-wal`)).toBeGreaterThan(2 * BOUND);
  expect(reader.row('select count(*) from filler')).toEqual([1]);

  reader.exec('commit');
  const until = Date.now() + 30_000;
  while (fileSize(`${path}-wal`) > BOUND && Date.now() < until) await write(1);
  expect(fileSize(`${path}-wal`)).toBeLessThanOrEqual(BOUND);
  expect(await database.read((one) => one.number('select count(*) from filler'))).toBeGreaterThan(
    140,
  );
  expect(database.dropped).toBe(0);
});

it('a commit stands, whatever comes of the look at the log after it', async () => {
  const path = join(tempFolder(), 'store.db');
  const options = { durability: 'normal', readOnly: false } as const;
  const database = await openDatabase(path, options, Date.now);
  onTestFinished(() => database.close());
  let refused = 0;
  patchFs('lstatSync', (real) => {
    const look = (name: string, ...rest: []) => {
      if (name !== `${path}-wal`) return real(name, ...rest);
      refused++;
      throw Object.assign(new Error('refused'), { code: 'EACCES', syscall: 'lstat' });
    };
    return look as typeof real;
  });

  const bump = 'update device set clock_counter = clock_counter + 1';
  for (let i = 0; i < 100; i++) {
    await database.write({ now: Date.now }, (transaction) => transaction.run(bump));
  }

  expect(refused).toBeGreaterThan(0);
  const counted = await database.read((one) => one.number('select clock_counter from device'));
  expect(counted).toBeGreaterThanOrEqual(100);
});
