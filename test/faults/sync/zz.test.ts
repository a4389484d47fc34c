import { it } from 'vitest';
import { randomBytes } from 'node:crypto';
import { openDatabase } from '../../../src/db/open.ts';
import { payloadOf } from '../../../src/db/content.ts';
import { readBatch } from '../../../src/sync/batch.ts';
import { needState } from '../../../src/sync/state.ts';
import { startSqld } from '../../support/sqld.ts';
import { BaseLoad } from './base-load.ts';
import { joinHub } from './member.ts';
import { seeded } from './seed.ts';
it('x', async () => {
  const sqld = await startSqld();
  const load = new BaseLoad(seeded('x'));
  const a = await joinHub('a', sqld.url);
  await load.begin(a);
  await a.sync();
  for (let i = 0; i < 3; i++) await load.append(a, undefined, randomBytes(675000).toString('base64'));
  await load.append(a, undefined, randomBytes(3975000).toString('base64'));
  await load.append(a);
  const db = await openDatabase(a.path, { durability: 'normal', readOnly: false }, Date.now);
  await db.read((reader) => {
    const rows = reader.list<any>(['number', 'id', 'device', 'thread_id', 'type', 'body', 'body_hash'], 'from runtime_events', []);
    for (const row of rows) console.log(row.number, row.body_hash, Object.keys(payloadOf(reader, 'runtime_events', row, ['body', 'body_hash'], undefined)));
    const batch = readBatch(reader, needState(reader), null, { rows: 2000, bytes: 1<<20 }, new Map());
    console.log(batch?.sending.map((s) => [s.entry.table, s.entry.payload.length]));
  });
  await db.close();
});
