import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openStore, rebuildStore } from '../../../src/index.ts';
import { startSqld } from '../../support/sqld.ts';
import { agree, device, enable } from '../devices/group.ts';
import { tempFolder } from '../../support/temp-store.ts';
import { flipByte, noise, PAGE, pagesOf, spoilPage } from './damage.ts';

// Row 26 of the fault matrix: what is lost here and lies on the hub comes back.
it('a rebuilt store gets back from the hub what was lost, and sends what the hub lacks', async () => {
  const sqld = await startSqld();
  const path = join(tempFolder(), 'store.db');
  const first = await device('first', { path });
  const witness = await device('witness');
  await enable(sqld.url, [first, witness]);
  const ids: string[] = [];
  await first.store.transaction(async (tx) => {
    for (let i = 0; i < 60; i++) {
      const { id } = await tx.sessions.create({ title: `session ${i}`, workspace: '/w' });
      ids.push(id);
      await tx.sessions.appendMessages(id, [
        { role: 'user', content: `message ${noise(60, i)}` },
        ...(i % 20 === 0 ? [{ role: 'assistant', content: noise(3000, i) }] : []),
      ]);
    }
  });
  await agree([first, witness]);
  // Written after the last exchange, some of it on pages that are damaged, some not.
  const unsent = await first.store.sessions.create({ title: 'not sent yet', workspace: '/w' });
  await first.store.sessions.rename(ids[59] as string, 'renamed, not sent yet');
  const former = (await first.store.sync.status()).deviceId;
  await first.store.close();

  for (const table of ['sessions', 'session_messages']) {
    const pages = pagesOf(path, table);
    spoilPage(path, pages[Math.floor(pages.length / 3)] as number);
  }
  spoilPage(path, pagesOf(path, 'outbox')[0] as number);
  flipByte(path, ((pagesOf(path, 'blob_chunks', 'overflow')[0] as number) - 1) * PAGE + 2000);
  const { tables, deviceId } = await rebuildStore(path);
  const lostOf = (name: string) => tables.find(({ table }) => table === name)?.lost ?? NaN;
  // The fault is there: rows are lost, and the notes of what was not sent.
  expect(lostOf('sessions')).toBeGreaterThan(0);
  expect(lostOf('session_messages')).toBeGreaterThan(0);
  expect(deviceId).not.toBe(former);

  first.store = await openStore({ path });
  await agree([first, witness]);
  expect((await first.store.check()).ok).toBe(true);
  expect((await first.store.sync.status()).deviceId).toBe(deviceId);
  for (const { store } of [first, witness]) {
    for (const [i, id] of ids.entries()) {
      const { title, workspace } = await store.sessions.get(id);
      expect(title).toBe(i === 59 ? 'renamed, not sent yet' : `session ${i}`);
      expect(workspace).toBe('/w');
      expect((await store.sessions.messages(id)).items).toHaveLength(i % 20 === 0 ? 2 : 1);
    }
    expect((await store.sessions.get(unsent.id)).title).toBe('not sent yet');
  }
  // Both go on.
  const after = await first.store.sessions.create({ title: 'after', workspace: '/w' });
  await agree([first, witness]);
  expect((await witness.store.sessions.get(after.id)).title).toBe('after');
});
