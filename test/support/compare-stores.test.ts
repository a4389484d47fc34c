import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import Driver from 'libsql';
import { expect, it } from 'vitest';
import { openStore } from '../../src/index.ts';
import { compareStores } from './compare-stores.ts';
import { tempFolder } from './temp-store.ts';

/** A small store and a copy of it on which `sql` was run. */
async function pairOf(sql: string): Promise<[string, string]> {
  const folder = tempFolder();
  const [a, b] = [join(folder, 'a.db'), join(folder, 'b.db')];
  const store = await openStore({ path: a });
  const session = await store.sessions.create({ title: 'one', workspace: '/w' });
  await store.sessions.appendMessages(session.id, [
    { role: 'user', content: 'a\u0000b' },
    { role: 'assistant', content: 'x'.repeat(9000) },
  ]);
  await store.audit.append({ event: 'first' });
  await store.audit.append({ event: 'second' });
  await store.close();
  copyFileSync(a, b);
  const db = new Driver(b);
  const triggers = db.prepare(`select name from sqlite_master where type = 'trigger'`).all() as {
    name: string;
  }[];
  db.exec(triggers.map(({ name }) => `drop trigger ${name};`).join(''));
  db.exec(sql);
  db.close();
  return [a, b];
}

it('takes stores that differ in device and versions only for equal', async () => {
  const [a, b] = await pairOf(
    `update sessions set device = 'import', title_version = 'x'; update audit_log set number = number + 10`,
  );
  expect(compareStores(a, b)).toEqual([]);
});

it.each([
  ['a title', `update sessions set title = 'onE'`],
  ['text after a NUL', `update session_messages set body = replace(body, 'b', 'c')`],
  ['the bytes of a blob', `update blob_chunks set codec = 'raw'`],
  ['the order of a log', `update audit_log set number = 10 where event = 'first'`],
  ['the current branch', `update session_leaves set leaf_id = 'x'`],
  ['a row', `delete from audit_log where event = 'first'`],
])('finds %s that changed', async (_, sql) => {
  const [a, b] = await pairOf(sql);
  expect(compareStores(a, b).length).toBeGreaterThan(0);
});
