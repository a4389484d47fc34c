// Fills a store with some 40 MiB, vacuums it, and tells by how much its memory rose at its highest meanwhile.
// Arguments: the library, the store file, `encrypted` or `plain`.
import { readFileSync } from 'node:fs';

const [library, path, kind] = process.argv.slice(2);
const { openStore } = await import(library);
const highest = () =>
  1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);

const store = await openStore({
  path,
  durability: 'normal',
  ...(kind === 'encrypted' ? { encryptionKey: 'a key' } : {}),
});
const thread = await store.runtime.createThread({ workspace: '/w', model: 'm', mode: 'agent' });
const event = { type: 'note', payload: 'text '.repeat(600) };
for (let i = 0; i < 11; i++) await store.events.append(thread.id, Array(1000).fill(event));
const before = highest();
const { bytesAfter } = await store.vacuum();
console.log(JSON.stringify({ bytes: bytesAfter, risen: highest() - before }));
await store.close();
