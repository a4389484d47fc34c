// A process that works as a coding agent does, its sync worker beside it, until it is told to end:
// twenty events a second, a turn of a session and a task now and then. Arguments: store file, hub.
import { setTimeout as sleep } from 'node:timers/promises';

const { openStore } = await import('../../dist/index.js');
const [path, url] = process.argv.slice(2);
const EVENT = { type: 'item.delta', payload: { text: 'a few words of an answer '.repeat(8) } };
let on = true;
process.once('message', () => (on = false));
process.once('disconnect', () => process.exit(0));

const store = await openStore({ path });
await store.sync.enable(url);
await store.sync.start();
let written = 0;
let thread;
let session;
process.send('ready');
for (let i = 0; on; i++) {
  if (i % 500 === 0) {
    thread = await store.runtime.createThread({ workspace: '/w', model: 'm', mode: 'agent' });
    session = await store.sessions.create({ title: `session ${i}`, workspace: '/w' });
    written += 2;
  }
  await store.events.append(thread.id, [EVENT]);
  written++;
  if (i % 20 === 0) {
    await store.sessions.appendMessages(session.id, [{ role: 'user', content: `turn ${i}` }]);
    await store.sessions.rename(session.id, `title ${i}`);
    await store.tasks.create({ prompt: `task ${i}` });
    await store.sessions.list({ limit: 50 });
    written += 2;
  }
  await sleep(50);
}
await store.sync.stop();
await store.sync.now();
const { pendingRows: pending } = await store.sync.status();
await store.close();
process.send({ written, pending }, () => process.disconnect());
