// Saves turns with items and events for ever, and prints the id of each after it was acknowledged.
// Arguments: library URL, store, thread.
import { writeSync } from 'node:fs';

const [, , library, path, threadId] = process.argv;
const { openStore } = await import(library);
const store = await openStore({ path });
for (let i = 0; ; i++) {
  const { turn } = await store.runtime.saveTurnWithItems(threadId, {
    turn: { inputSummary: `turn ${i}` },
    items: Array.from({ length: 3 }, (_, n) => ({
      kind: 'agent_message',
      summary: `item ${n}`,
      // The last one goes into a blob.
      detail: 'text '.repeat(n === 2 ? 3000 : 3),
    })),
    event: { type: 'turn.completed', payload: { i } },
  });
  writeSync(1, `ACK ${turn.id}\n`);
}
