// The store with its hub as a contender; `sealed` is end-to-end encryption, which no peer has.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startHub } from '../sync-hub.mjs';

const { openStore } = await import('../../../dist/index.js');

export function contender(sealed) {
  return {
    startServer: startHub,
    device: (folder, url, lists) => device(folder, url, lists, sealed),
    bootstrap: (folder, url, from) => bootstrap(folder, url, from, sealed),
  };
}

/** A device with events that no hub has yet. */
async function device(folder, url, lists, sealed) {
  const store = await openStore({ path: join(folder, 'store.db') });
  const thread = await store.runtime.createThread({ workspace: '/w', model: 'm', mode: 'agent' });
  for (const list of lists) await store.events.append(thread.id, list);
  await store.sync.enable(url, { encryption: sealed });
  const keyFile = join(folder, 'key');
  if (sealed) {
    writeFileSync(keyFile, (await store.sync.exportKey()).phrase, { mode: 0o600 });
  }
  return {
    thread: thread.id,
    key: sealed ? { keyFile } : {},
    push: () => store.sync.now(),
    close: () => store.close(),
  };
}

/** A new device, from nothing until what the hub holds can be read; returns how much that is. */
async function bootstrap(folder, url, from, sealed) {
  const store = await openStore({ path: join(folder, 'store.db') });
  await store.sync.enable(url, { encryption: sealed, ...from.key });
  await store.sync.now();
  const { nextSeq: rows } = await store.events.tail(from.thread, 1);
  await store.close();
  return rows;
}
