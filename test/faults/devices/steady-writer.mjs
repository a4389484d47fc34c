// Appends events to a thread until it is told to end; a line for each that is on disk.
// Arguments: library URL, store file, thread.
import { writeSync } from 'node:fs';
const [, , library, path, threadId] = process.argv;
const { openStore } = await import(library);
const store = await openStore({ path });
let ended = false;
process.on('SIGTERM', () => {
  ended = true;
});
for (let n = 0; !ended; n++) {
  await store.events.append(threadId, [{ type: 'step', payload: { n } }]);
  writeSync(1, `${n}\n`);
  await new Promise((resolve) => setTimeout(resolve, 2));
}
await store.close();
