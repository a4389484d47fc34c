import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openStore, type Store } from '../../../src/index.ts';
import { legacyHome } from '../../support/legacy-home.ts';
import { tempFolder } from '../../support/temp-store.ts';
import { pagesOf, spoilPage } from './damage.ts';
import { newPath, rebuilt } from './rebuilt.ts';

/** What is shown of each session: its count, and the messages to where this device is. */
async function shown(store: Store): Promise<Record<string, unknown>> {
  const { items } = await store.sessions.list({ limit: 1000, archived: 'include' });
  const sessions = await Promise.all(
    items.map(async ({ id, messageCount }) => {
      const messages = await store.sessions.messages(id);
      return [id, [messageCount, ...messages.items.map((message) => message.id)]] as const;
    }),
  );
  return Object.fromEntries(sessions);
}

/** The lines of the session files of a legacy export; messages that came back follow others there. */
async function exported(store: Store): Promise<Record<string, string[]>> {
  const target = join(tempFolder(), 'home');
  await store.export(target, { format: 'legacy' });
  const folder = join(target, 'sessions');
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  const linesOf = (name: string) => readFileSync(join(folder, name), 'utf8').split(/,?\n/);
  return Object.fromEntries(names.map((name) => [name, linesOf(name).sort()]));
}

/** The files that differ; what is in them stays out of the message. */
const differing = (a: Record<string, string[]>, b: Record<string, string[]>) =>
  Object.keys({ ...a, ...b }).filter((name) => JSON.stringify(a[name]) !== JSON.stringify(b[name]));

/** The events of every thread, in order, with their numbers. */
async function events(store: Store): Promise<Record<string, string[]>> {
  const { items } = await store.runtime.listThreads({ limit: 1000 });
  const threads = await Promise.all(
    items.map(async ({ id }) => {
      const page = await store.events.since(id, 0, { limit: 1000 });
      return [id, page.items.map((event) => `${event.seq} ${event.id}`)] as const;
    }),
  );
  return Object.fromEntries(threads);
}

const look = async (store: Store) => ({ shown: await shown(store), events: await events(store) });

/** A store of an old home; its user may have gone back to a message that others follow, in some sessions. */
async function importedStore(goesBack: boolean) {
  const { home } = legacyHome('--seed', '5');
  const path = newPath();
  const store = await openStore({ path, durability: 'normal' });
  await store.import([home]);
  const { items } = await store.sessions.list({ limit: 1000, archived: 'include' });
  for (const { id, messageCount } of goesBack ? items.filter((_, i) => i % 4 === 0) : []) {
    const messages = (await store.sessions.messages(id)).items;
    const chosen = messages[Math.floor(messageCount / 2)]?.id;
    if (chosen !== undefined) await store.sessions.setCurrent(id, chosen);
  }
  const before = { looked: await look(store), exported: await exported(store) };
  await store.close();
  return { home, path, ...before };
}

// Row 26 of the fault matrix: the recipe of the README, repair and then import, ends where all began.
it.each([
  ['messages', true, ['session_messages']],
  ['also where the user is', false, ['session_messages', 'sessions', 'session_leaves']],
] as const)(
  'an import after a repair brings all back to where it was: lost were events, and %s',
  async (_, goesBack, more) => {
    const { home, path, ...before } = await importedStore(goesBack);
    const tables = ['runtime_events', ...more];
    for (const table of tables) {
      const pages = pagesOf(path, table).filter((_page, i) => i % 3 === 0);
      for (const page of pages) spoilPage(path, page);
    }
    const { store, of } = await rebuilt(path);
    for (const table of tables) expect(of(table)?.lost).not.toBe(0);
    await store.import([home]);
    expect((await store.check()).checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(await look(store)).toEqual(before.looked);
    expect(differing(await exported(store), before.exported)).toEqual([]);
  },
);
