// Many events through the public API, against the native binding with prepared statements on the
// same schema, the same pragmas, the same batches and the same columns.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { compare, milliseconds } from './measure.mjs';
import { openNative } from './native.mjs';

const BATCH = 1000;
const BATCHES = 20;

export async function bulk({ openStore }, folder, rounds, say) {
  const store = await openStore({ path: join(folder, 'bulk', 'store.db') });
  mkdirSync(join(folder, 'native'));
  const native = openNative(join(folder, 'native', 'store.db'));
  const payload = (i) => ({
    delta: `event ${i} ${'words of an answer '.repeat(11)}`,
    kind: 'agent_message',
  });
  const batches = Array.from({ length: BATCHES }, (_, b) =>
    Array.from({ length: BATCH }, (_, i) => ({
      type: 'item.delta',
      payload: payload(b * BATCH + i),
    })),
  );
  let ours = '';
  let theirs = '';
  say(`writing ${BATCH * BATCHES} events, ${rounds + 1} times each`);
  const write = await compare(
    rounds,
    async () => {
      ours = (await store.runtime.createThread({ workspace: '/w', model: 'm', mode: 'agent' })).id;
      for (const events of batches) await store.events.append(ours, events);
    },
    () => {
      theirs = native.newThread();
      for (const events of batches) native.append(theirs, events);
    },
  );
  say(`reading ${BATCH * BATCHES} events, ${rounds + 1} times each`);
  const read = await compare(
    rounds,
    async () => {
      for (let seq = 0, more = true; more;) {
        const page = await store.events.since(ours, seq, { limit: BATCH });
        seq = page.nextSeq;
        more = page.items.length === BATCH;
      }
    },
    () => {
      for (let seq = 0, more = true; more;) {
        const items = native.since(theirs, seq, BATCH);
        seq = items.at(-1)?.seq ?? seq;
        more = items.length === BATCH;
      }
    },
  );
  await store.close();
  native.close();
  const rate = (ms) => `${Math.round((BATCH * BATCHES) / ms)}k rows/s`;
  const row = (work, result) => [
    work,
    `${milliseconds(result.ours)} (${rate(result.ours)})`,
    `native binding: ${milliseconds(result.theirs)} (${rate(result.theirs)})`,
    `${result.ratio.toFixed(2)}×`,
  ];
  return [
    row(`write ${BATCH * BATCHES} events in transactions of ${BATCH}`, write),
    row(`read them in pages of ${BATCH}`, read),
  ];
}
