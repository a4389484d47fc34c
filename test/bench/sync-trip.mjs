// One row from a device to another one: both in processes of their own, each with its worker. From
// the call that writes it to its arrival at a reader of the other store.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { quantile } from './measure.mjs';
import { startHub } from './sync-hub.mjs';

const ROWS = 200;
const WRITER = fileURLToPath(new URL('./sync-writer.mjs', import.meta.url));
/** Unix time with fractions of a millisecond, the same in every process of a machine. */
const now = () => performance.timeOrigin + performance.now();

export async function trip(library, folder, _rounds, say) {
  const took = await tripTimes(library, join(folder, 'trip'), ROWS, say);
  const at = (part) => `${quantile(took, part).toFixed(1)} ms`;
  return [[`one row from A to B, ${ROWS} times`, `p50 ${at(0.5)}, p95 ${at(0.95)}`, '30 ms', '']];
}

/** Milliseconds that each of several rows takes from one device to the other. */
export async function tripTimes({ openStore }, place, rows, say) {
  const hub = await startHub(join(place, 'hub'));
  const store = await openStore({ path: join(place, 'b', 'store.db') });
  const keyFile = join(place, 'key');
  await store.sync.enable(hub.url);
  writeFileSync(keyFile, (await store.sync.exportKey()).phrase, { mode: 0o600 });
  await store.sync.start();
  const writer = fork(WRITER, [join(place, 'a', 'store.db'), hub.url, keyFile]);
  try {
    const [{ thread }] = await once(writer, 'message');
    await store.sync.now();
    say(`${rows} rows from A to B, one by one`);
    const controller = new AbortController();
    const events = store.events.follow(thread, 0, { signal: controller.signal });
    const took = [];
    for (let i = 0; i < rows; i++) {
      const arrival = events.next();
      writer.send('write');
      const [{ at }] = await once(writer, 'message');
      await arrival;
      took.push(now() - at);
      // Two rows never go with one exchange, and the worker's pause for gathering is over.
      await sleep(60 + Math.random() * 60);
    }
    controller.abort();
    await events.return?.();
    return took;
  } finally {
    writer.disconnect();
    await once(writer, 'exit');
    await store.close();
    await hub.stop();
  }
}
