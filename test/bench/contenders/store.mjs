import { join } from 'node:path';
import { BATCH, NEWEST, WORD, batches, event } from './records.mjs';

const { openStore } = await import('../../../dist/index.js');

/** @param home - legacy files with the sessions: they are imported */
export async function open(folder, home) {
  const store = await openStore({ path: join(folder, 'store.db') });
  await store.import([home]);
  // The native binding reads the same file.
  await store.backup(join(folder, 'copy.db'));
  const newThread = () =>
    store.runtime.createThread({ workspace: '/w', model: 'm', mode: 'agent' });
  const single = await newThread();
  const lists = batches();
  let thread;
  let count = 0;
  return {
    append: () => store.events.append(single.id, [event(count++)]),
    async newest() {
      const { items } = await store.sessions.list({ limit: NEWEST });
      return items.map(({ id }) => id);
    },
    async search() {
      const { items } = await store.search(WORD, { limit: 100 });
      return items.length;
    },
    async write() {
      thread = await newThread();
      for (const list of lists) await store.events.append(thread.id, list);
    },
    async read() {
      let found = 0;
      for (let seq = 0, more = true; more;) {
        const page = await store.events.since(thread.id, seq, { limit: BATCH });
        found += page.items.length;
        seq = page.nextSeq;
        more = page.items.length === BATCH;
      }
      return found;
    },
    close: () => store.close(),
  };
}
