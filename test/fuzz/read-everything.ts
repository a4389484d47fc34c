import type { Store } from '../../src/index.ts';

/**
 * Reads all that a store shows, as its users do. Nothing of what other programs and devices have
 * written may keep a list from being read, or
 * what it lists from being shown, whatever its id.
 */
export async function readEverything(store: Store): Promise<{ ids: Set<string> }> {
  const ids = new Set<string>();
  for (const deleted of [undefined, true] as const) {
    const only = deleted === undefined ? {} : { deleted };
    for (const { id } of await all((cursor) => store.sessions.list({ ...only, cursor }))) {
      ids.add(id);
      await store.sessions.get(id);
      for (const one of await all((cursor) => store.sessions.messages(id, { cursor })))
        ids.add(one.id);
      await store.sessions.branches(id);
    }
    for (const { id } of await all((cursor) => store.tasks.list({ ...only, cursor }))) {
      ids.add(id);
      await store.tasks.get(id);
    }
    for (const { id } of await all((cursor) => store.threads.list({ ...only, cursor }))) {
      ids.add(id);
      await store.threads.get(id);
      await all((cursor) => store.threads.messages(id, { cursor }));
    }
    for (const { id } of await all((cursor) => store.runtime.listThreads({ ...only, cursor }))) {
      ids.add(id);
      await store.runtime.getThread(id);
      for (const turn of await all((cursor) => store.runtime.listTurns(id, { cursor }))) {
        ids.add(turn.id);
        for (const item of await all((cursor) => store.runtime.listItems(turn.id, { cursor }))) {
          ids.add(item.id);
          await store.runtime.getItem(item.id);
        }
      }
      await store.events.since(id, 0);
    }
  }
  for (const { id } of await all((cursor) => store.automations.list({ cursor }))) {
    ids.add(id);
    await store.automations.get(id);
    await all((cursor) => store.automations.runs(id, { cursor }));
  }
  await all((cursor) => store.audit.list({ cursor }));
  await all((cursor) => store.jobs.list({ cursor }));
  await store.search('a* OR loader');
  return { ids };
}

async function all<T>(
  list: (cursor: string | null) => Promise<{ items: T[]; nextCursor: string | null }>,
): Promise<T[]> {
  const found: T[] = [];
  for (let cursor: string | null = null; ;) {
    const page = await list(cursor);
    found.push(...page.items);
    cursor = page.nextCursor;
    if (cursor === null) return found;
  }
}
