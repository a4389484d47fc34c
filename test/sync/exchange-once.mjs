// Exchanges once with the hub of a store. Arguments: library URL, store file.
const [, , library, path] = process.argv;
const { openStore } = await import(library);
const store = await openStore({ path });
await store.sync.now();
await store.close();
console.log('done');
