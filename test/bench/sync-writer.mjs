// A device in a process of its own, its worker at work: appends an event whenever it is told to.
// Arguments: store file, hub, key file.
const { openStore } = await import('../../dist/index.js');
const [path, url, keyFile] = process.argv.slice(2);
const store = await openStore({ path });
await store.sync.enable(url, { keyFile });
const thread = await store.runtime.createThread({ workspace: '/w', model: 'm', mode: 'agent' });
await store.sync.now();
await store.sync.start();
process.on('message', async () => {
  const at = performance.timeOrigin + performance.now();
  await store.events.append(thread.id, [{ type: 'note', payload: { text: 'a few words' } }]);
  process.send({ at });
});
process.once('disconnect', async () => {
  await store.close();
  process.exit(0);
});
process.send({ thread: thread.id });
