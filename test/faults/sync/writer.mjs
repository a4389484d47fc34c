// A device of the group in a process of its own, until it is killed: exchanges with the hub and at
// the same time writes. Prints a line `ACK tag` after each write that resolved.
import { writeSync } from 'node:fs';

const [library, path, name, threadId, first] = process.argv.slice(2);
const { openStore } = await import(library);
const store = await openStore({ path });
writeSync(1, 'READY\n');

const exchange = async () => {
  for (;;) await store.sync.now();
};
const write = async () => {
  for (let i = Number(first); ; i++) {
    const tag = `${name}-${i}`;
    await store.events.append(threadId, [{ type: 'load', payload: { tag, by: name } }]);
    writeSync(1, `ACK ${tag}\n`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
await Promise.all([exchange(), write()]);
