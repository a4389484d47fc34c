import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openStore } from '../../src/index.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';

const WHEN = '2030-01-01T00:00:00Z';

/** What a mark of a session says of its messages, with something else in place of some of it. */
interface Mark {
  readonly messages?: readonly object[];
}
const messages = (forged: object) => (own: Mark) => ({
  ...own,
  ...(own.messages && { messages: own.messages.map((one) => ({ ...one, ...forged })) }),
});

/** An export of a store with a record of each kind, and marks in all of its files that somebody made up. */
async function tampered(mark: (own: Mark) => object) {
  const store = await tempStore();
  const thread = await store.runtime.createThread({ workspace: '/w', model: 'm', mode: 'agent' });
  await store.events.append(thread.id, [{ type: 'note', payload: 1 }]);
  const session = await store.sessions.create({ title: 'S', workspace: '/w' });
  await store.sessions.appendMessages(session.id, [{ role: 'user', content: 'one' }]);
  await store.tasks.create({ prompt: 'P' });
  await store.automations.create({ name: 'N', prompt: 'p', rule: 'FREQ=HOURLY;INTERVAL=1' });
  const home = join(tempFolder(), 'home');
  await store.export(home, { format: 'legacy' });
  for (const entry of readdirSync(home, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.json')) continue;
    const file = join(entry.parentPath, entry.name);
    const record = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    const metadata = record['metadata'] as Record<string, unknown> | undefined;
    if (record['updated_at'] !== undefined) record['updated_at'] = WHEN;
    if (metadata) metadata['updated_at'] = WHEN;
    writeFileSync(file, JSON.stringify({ ...record, store_row: mark(record['store_row'] ?? {}) }));
  }
  return { store, home };
}

const was = (forged: object) => (own: Mark) => ({ ...own, was: forged });

it.each([
  ['texts that are no JSON', was({ title: 'nope', prompt: '{{{', name: '"', summary: '}' })],
  ['a number that is none', was({ next_seq: '}' })],
  ['a queue that is none', was({ queue: '{' })],
  ['times beyond all', messages({ at: Number.MAX_SAFE_INTEGER })],
  ['ids with a NUL', messages({ id: 'm\0' })],
  ['a device that is none', messages({ device: '../x' })],
])('a mark that says %s is not believed', async (_, mark) => {
  const { store, home } = await tampered(mark);
  const fresh = await openStore({ path: join(tempFolder(), 'store.db') });
  for (const one of [store, fresh]) {
    expect((await one.import([home])).totals.failed).toBe(0);
    expect((await one.check()).checks.filter(({ ok }) => !ok)).toEqual([]);
    const [session] = (await one.sessions.list()).items;
    const { items } = await one.sessions.messages(session?.id ?? '');
    expect(items[0]?.createdAt ?? WHEN).toMatch(/^20/);
    expect(items[0]?.id).not.toContain('\0');
    expect(items).toMatchObject([{ content: [{ type: 'text', text: 'one' }] }]);
    expect((await one.runtime.listThreads()).items).toHaveLength(1);
    expect((await one.automations.list()).items).toMatchObject([{ name: 'N' }]);
    await one.export(join(tempFolder(), 'again'), { format: 'legacy' });
  }
  await fresh.close();
});
