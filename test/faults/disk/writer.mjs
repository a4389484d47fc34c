// A program that uses a store and says what was acknowledged, one line each, written at once:
// `OPENED device`, `ACK n` for each numbered write, `DONE job`.
// Arguments: library, store, durability, jobs. A job is a number (so many writes) or the name of one.
import { writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Driver from 'libsql';
import { write } from './numbered-writes.mjs';

const [library, path, durability, ...jobs] = process.argv.slice(2);
const { openStore } = await import(library);
const say = (line) => writeSync(1, `${line}\n`);

let store = await openStore({ path, durability });
say(`OPENED ${(await store.sync.status()).deviceId}`);
let thread;

const named = {
  vacuum: () => store.vacuum(),
  repair: () => store.repair(),
  backup: () => store.backup(join(dirname(path), 'backup.db')),
  import: (home) => store.import([home]),
  /** Another program that reads: from now on no checkpoint gets past this moment. */
  hold() {
    const reader = new Driver(path);
    reader.exec('begin');
    reader.prepare('select count(*) from sessions').get();
    held.push(reader);
  },
  async reopen() {
    await store.close();
    store = await openStore({ path, durability });
  },
};
const held = [];
let n = 0;
for (const job of jobs) {
  const count = Number(job);
  if (Number.isNaN(count)) {
    const [name, argument] = job.split('=');
    await named[name](argument);
    say(`DONE ${name}`);
  } else {
    thread ??= await store.runtime.createThread({ workspace: '/w', model: 'm' });
    for (const end = n + count; n < end; n++) {
      await write(store, thread.id, n);
      say(`ACK ${n}`);
    }
  }
}
await store.close();
say('DONE close');
