// Fills a store until the disk is full, then frees some space, and says what happened as JSON.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [library, folder] = process.argv.slice(2);
const { openStore } = await import(library);
const ballast = join(folder, 'ballast');
writeFileSync(ballast, Buffer.alloc(1 << 20));
const store = await openStore({ path: join(folder, 'store', 'store.db') });
const { id } = await store.sessions.create({ title: 'fills', workspace: '/w' });

/** Text that does not compress. */
const noise = () =>
  Array.from({ length: 4000 }, () => Math.random().toString(36).slice(2)).join(' ');
const acked = [];
let refused;
while (!refused) {
  try {
    acked.push(...(await store.sessions.appendMessages(id, [{ role: 'user', content: noise() }])));
  } catch (error) {
    refused = { code: error.code, retryable: error.retryable };
  }
}
const stillReads = (await store.sessions.messages(id)).items.length;
rmSync(ballast);
const [after] = await store.sessions.appendMessages(id, [{ role: 'user', content: 'room again' }]);
const kept = new Set((await store.sessions.messages(id)).items.map((message) => message.id));
const lost = [...acked, after].filter((message) => !kept.has(message));
const { ok } = await store.check();
await store.close();
console.log(JSON.stringify({ acked: acked.length, refused, stillReads, lost, ok }));
