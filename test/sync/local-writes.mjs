// Uses much of a store whose sync is off. Arguments: library URL, store file.
const [, , library, path] = process.argv;
const { openStore } = await import(library);
const store = await openStore({ path });
const { id } = await store.sessions.create({ title: 'one', workspace: '/w' });
await store.sessions.appendMessages(id, [{ role: 'user', content: 'hello' }]);
await store.sessions.rename(id, 'two');
const thread = await store.runtime.createThread({ model: 'm', workspace: '/w' });
await store.events.append(thread.id, [{ type: 'note', payload: { text: 'x'.repeat(10_000) } }]);
const task = await store.tasks.create({ prompt: 'do it' });
await store.tasks.cancel(task.id);
await store.sessions.delete(id);
await store.purge(id);
await store.search('two');
await store.sync.status();
await store.sync.verify();
await store.close();
console.log('done');
