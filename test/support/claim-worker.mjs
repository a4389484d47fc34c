// Claims and finishes tasks until the queue is empty, and prints their ids. Arguments: library
// URL, store, name of the worker.
const [, , library, path, owner] = process.argv;
const { openStore } = await import(library);
const store = await openStore({ path });
process.stdout.write('ready\n');
await new Promise((resolve) => process.stdin.once('data', resolve));
const claimed = [];
for (;;) {
  const task = await store.tasks.claim({ owner, leaseMs: 60_000 });
  if (!task) break;
  claimed.push(task.id);
  await store.tasks.finish(task.id, { owner, summary: owner });
}
await store.close();
process.stdout.write(JSON.stringify(claimed));
process.stdin.destroy();
