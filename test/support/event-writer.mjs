// Appends events to a thread, one by one. Arguments: library URL, store, thread, count.
const [, , library, path, threadId, count] = process.argv;
const { openStore } = await import(library);
const store = await openStore({ path });
for (let i = 0; i < Number(count); i++) {
  await store.events.append(threadId, [{ type: 'item.delta', payload: { at: Date.now() } }]);
  await new Promise((resolve) => setTimeout(resolve, 5));
}
await store.close();
