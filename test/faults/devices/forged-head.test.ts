import { expect, it } from 'vitest';
import { startSqld } from '../../support/sqld.ts';
import { hubReader } from '../sync/checkers.ts';
import { agree, device, enable } from './group.ts';

const MOVE = (seq: string) =>
  `update hub_entries set seq = ${seq} where seq = (select min(seq) from hub_entries)`;

it.each([
  MOVE('(select head from hub_meta) + 3'),
  MOVE('9223372036854775807'),
  'update hub_meta set head = 5',
  'update hub_meta set head = 9223372036854775807',
])('what lies above the head of a hub keeps no device from sending (%s)', async (damage) => {
  const sqld = await startSqld();
  const devices = [await device('a'), await device('b')];
  await enable(sqld.url, devices);
  const write = async (text: string) => {
    for (const { name, store } of devices) {
      for (let i = 0; i < 5; i++) await store.tasks.create({ prompt: `${name} ${text} ${i}` });
    }
  };
  await write('before');
  await agree(devices);
  const sql = hubReader(sqld.url);

  await sql(damage);
  await write('after');
  const [first] = devices;
  await first?.sync();
  // The user is told of it, once.
  expect(await first?.store.sync.status()).toMatchObject({
    lastError: { code: 'HUB_DAMAGED', message: expect.stringContaining('set right') as string },
  });
  await agree(devices);

  for (const { store } of devices) {
    expect((await store.tasks.list()).items).toHaveLength(20);
    expect(await store.sync.status()).toMatchObject({ parked: 0, lastError: null });
  }
  expect(await sql('select (select max(seq) from hub_entries) <= head from hub_meta')).toEqual([
    [1],
  ]);
});
