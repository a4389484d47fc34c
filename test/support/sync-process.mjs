import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

// A program that uses the library with the sync worker in its thread. Lines on standard input say
// what to do, lines of JSON on standard output tell what was done.

const [library, path, mode] = process.argv.slice(2);
const { openStore } = await import(library);
const tell = (value) => writeSync(1, `${JSON.stringify(value)}\n`);

const store = await openStore({ path, durability: 'normal' });
await store.sync.start();
tell('started');

if (mode === 'forget') {
  // Nothing more to do, and not closed: the process is to end all the same.
} else if (mode === 'close') {
  await store.close();
  tell('closed');
} else {
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === 'close') break;
    const { id } = await store.sessions.create({ title: line, workspace: '/w', model: 'm' });
    tell(id);
  }
  await store.close();
}
