// Fills the disk inside a transaction, goes on with it all the same, and says what is left as JSON.
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
  Array.from({ length: 40_000 }, () => Math.random().toString(36).slice(2)).join(' ');
const codeOf = (promise) =>
  promise.then(
    () => 'done',
    (error) => error.code,
  );
const inside = [];
const outcome = await codeOf(
  store.transaction(async (tx) => {
    await tx.tasks.create({ prompt: 'before', workspace: '/w' });
    let refused;
    const append = () => tx.sessions.appendMessages(id, [{ role: 'user', content: noise() }]);
    do refused = await codeOf(append());
    while (refused === 'done');
    inside.push(refused);
    rmSync(ballast);
    inside.push(await codeOf(tx.tasks.create({ prompt: 'after', workspace: '/w' })));
    inside.push(await codeOf(tx.audit.append({ event: 'after', details: {} })));
    inside.push(await codeOf(tx.tasks.list()));
  }),
);
const prompts = (await store.tasks.list()).items.map(({ prompt }) => prompt);
const audit = (await store.audit.list()).items.length;
const messages = (await store.sessions.messages(id)).items.length;
await store.tasks.create({ prompt: 'room again', workspace: '/w' });
const { ok } = await store.check();
await store.close();
console.log(JSON.stringify({ inside, outcome, prompts, audit, messages, ok }));
