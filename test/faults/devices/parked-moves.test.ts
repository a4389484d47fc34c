import Driver from 'libsql';
import { expect, it } from 'vitest';
import { HttpHub } from '../../../src/sync/hub/http-hub.ts';
import { startSqld } from '../../support/sqld.ts';
import { agree, asMachine, device, enable, type Device } from './group.ts';

function write({ path }: Device, sql: string): void {
  const driver = new Driver(path);
  driver.exec(sql);
  driver.close();
}

/** The payloads of what waits of a table, as they are kept. */
function payloadsOf({ path }: Device, table: string): string[] {
  const driver = new Driver(path);
  const sql = 'select hex(payload) from parked where table_name = ? order by register';
  const rows = driver.prepare(sql).raw().all([table]) as string[][];
  driver.close();
  return rows.map(([hex = '']) => hex);
}

const reasons = async ({ store }: Device) =>
  (await store.sync.parked()).map(({ table, reason }) => `${table} ${reason}`).sort();

it.each([
  ['an encrypted group', true],
  ['a group in clear', false],
])('what waits for a newer version goes from %s to another group', async (_, encrypted) => {
  const [first, second] = [await startSqld(), await startSqld()];
  const [newer, a, b] = [await device('newer'), await device('a'), await device('b')];
  const clear = { pull: 'http', encryption: false } as const;
  const enter = ({ name, store }: Device) =>
    asMachine(name, () => store.sync.enable(first.url, { name, ...clear }));
  if (encrypted) await enable(first.url, [newer, a]);
  else for (const one of [newer, a]) await enter(one);
  const { id } = await newer.store.sessions.create({ title: 'of a newer one', workspace: '/w' });
  await newer.store.sessions.appendMessages(id, [{ role: 'user', content: 'hello' }]);
  await newer.store.tasks.create({ prompt: 'sealed with a key that never came here' });
  await newer.sync();
  const hub = new HttpHub({ url: first.url, token: () => undefined });
  for (const sql of [
    `update hub_entries set schema = 99 where table_name in ('sessions', 'session_messages')`,
    `update hub_entries set key_number = 7 where table_name = 'tasks'`,
  ]) {
    await hub.run([{ sql, params: [] }], 'write');
  }
  // It is on no other device, nor on a hub.
  write(a, 'update sync_state set cursor = 0');
  await a.sync();
  const waiting = await reasons(a);
  expect(waiting).toContain('session_messages schema');
  // One that is not what it says it is: its id does not follow from its content.
  write(
    a,
    `insert into parked select table_name, 'x' || hub_id, register, version, key_number, schema, payload,
       reason, parked_at + 1000, offer from parked where table_name = 'session_messages' limit 1`,
  );
  const keyFile = await enable(second.url, [b]);
  await b.sync();
  const sealed = payloadsOf(a, 'tasks');
  expect(sealed.length).toBeGreaterThan(0);
  await asMachine('a', () =>
    a.store.sync.enable(second.url, { name: 'a', pull: 'http', keyFile, join: true }),
  );
  const moved = waiting.filter((one) => !one.startsWith('tasks'));
  const stays = waiting.filter((one) => one.startsWith('tasks')).map(() => 'tasks removed');
  const left = [...moved, ...stays, 'session_messages removed'].sort();
  expect(await reasons(a)).toEqual(left);
  for (const one of [a, b, a]) await one.sync();
  expect(await reasons(a)).toEqual(left);
  expect(await reasons(b)).toEqual(moved);
  expect(payloadsOf(a, 'tasks')).toEqual(sealed);
  // Then they are upgraded.
  for (const one of [a, b]) write(one, 'update parked set schema = 1 where schema = 99');
  await agree([a, b]);
  for (const { store } of [a, b]) {
    expect((await store.sessions.get(id)).title).toBe('of a newer one');
    expect((await store.sessions.messages(id)).items).toHaveLength(1);
  }
});
