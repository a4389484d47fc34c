// node --expose-gc no-descriptors-child.mjs LIBRARY FOLDER
// Calls the library while this process may open no further file, and prints what each call said.
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';

const [library, folder] = process.argv.slice(2);
const { StoreError, openStore, restoreStore } = await import(library);
const path = join(folder, 'store.db');

/** Runs `job` with so many descriptors left; the code of the `StoreError` that it rejects with. */
async function withFew(left, job) {
  // What the driver has closed keeps its descriptors until its memory is collected.
  globalThis.gc();
  await setImmediate();
  const held = [];
  try {
    for (;;) held.push(openSync('/dev/null', 'r'));
  } catch (error) {
    if (error.code !== 'EMFILE') throw error;
  }
  for (let i = 0; i < left; i++) closeSync(held.pop());
  try {
    await job();
    return 'done';
  } catch (error) {
    return error instanceof StoreError ? error.code : String(error.stack);
  } finally {
    for (const descriptor of held) closeSync(descriptor);
  }
}

const first = await withFew(0, () => openStore({ path }));
const store = await openStore({ path });
await store.sessions.create({ workspace: '/w' });
await store.backup(join(folder, 'backup.db'));
const place = (name, left) => join(folder, `${name}-${left}`);
const calls = {
  open: async () => (await openStore({ path })).close(),
  check: () => store.check(),
  repair: () => store.repair(),
  vacuum: () => store.vacuum(),
  stats: () => store.stats(),
  list: () => store.sessions.list(),
  import: () => store.import([folder]),
  export: (left) => store.export(place('out', left), { format: 'legacy' }),
  backup: (left) => store.backup(place('copy', left)),
  restore: (left) => restoreStore(join(folder, 'backup.db'), place('restored', left)),
};
const said = { first: [first] };
for (const [name, call] of Object.entries(calls)) {
  said[name] = [];
  for (let left = 0; left <= 12; left++) said[name].push(await withFew(left, () => call(left)));
}
const { items } = await store.sessions.list();
await store.close();
console.log(JSON.stringify({ said, sessions: items.length }));
