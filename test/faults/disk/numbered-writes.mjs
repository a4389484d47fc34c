// Writes that carry a number, of four kinds in turn, each one call of the API and so one transaction.
// `readNumbers` in numbers.ts finds them again, and sees when one is there in part.
import { randomBytes } from 'node:crypto';

/** Text that does not compress; a blob of its own from 8 KiB on. */
const noise = (bytes) => randomBytes(bytes / 2).toString('hex');

const kinds = [
  (store, thread, n) =>
    store.runtime.saveTurnWithItems(thread, {
      turn: { inputSummary: String(n) },
      items: [8, 100, 40_000].map((bytes) => ({ kind: 'agent_message', detail: noise(bytes) })),
      event: { type: 'turn.completed', payload: { n, part: 'turn' } },
    }),
  (store, _thread, n) =>
    store.transaction(async (tx) => {
      const { id } = await tx.sessions.create({ title: String(n), workspace: '/w' });
      const say = (role) => ({ role, content: noise(300) });
      await tx.sessions.appendMessages(id, [say('user'), say('assistant'), say('user')]);
    }),
  (store, thread, n) =>
    store.events.append(
      thread,
      [0, 1, 2].map((part) => ({ type: 'numbered', payload: { n, part } })),
    ),
  (store, _thread, n) =>
    store.transaction(async (tx) => {
      await tx.tasks.create({ prompt: String(n), workspace: '/w' });
      await tx.audit.append({ event: 'numbered', details: { n } });
    }),
];

export const write = (store, thread, n) => kinds[n % kinds.length](store, thread, n);
