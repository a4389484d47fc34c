// One of several processes that write to the same store until they are killed. Prints a line
// `ACK tag` after each write that resolved: from then on it must never be lost.
import { writeSync } from 'node:fs';

const [library, path, name, threadId] = process.argv.slice(2);
const { openStore } = await import(library);
const store = await openStore({ path });
writeSync(1, 'READY\n');

for (let i = 0; ; i++) {
  const tag = `${name}-${process.pid}-${i}`;
  if (i % 3 === 0) {
    await store.events.append(threadId, [{ type: 'contention', payload: { tag } }]);
  } else {
    // Two areas in one transaction: both halves are there, or none.
    await store.transaction(async (tx) => {
      await tx.tasks.create({ prompt: tag, workspace: '/w' });
      await tx.audit.append({ event: 'contention', details: { tag } });
    });
  }
  writeSync(1, `ACK ${tag}\n`);
}
