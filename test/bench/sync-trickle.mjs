// Bytes on the wire while little happens: one event a second for a minute, then a hundred edits.
// Three devices with their workers, each on a wire of its own that counts.
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { countingWire, startHub } from './sync-hub.mjs';

const EVENTS = 60;
const EVERY_MS = 1000;
const EDITS = 100;
const EDIT_EVERY_MS = 200;

export async function trickle({ openStore }, folder, _rounds, say) {
  const place = join(folder, 'trickle');
  const hub = await startHub(join(place, 'hub'));
  const devices = {};
  const key = {};
  for (const name of ['sender', 'http', 'replica']) {
    const wire = await countingWire(hub.port);
    const store = await openStore({ path: join(place, name, 'store.db') });
    const pull = name === 'sender' ? 'http' : name;
    await store.sync.enable(wire.url, { pull, ...key });
    key.keyFile ??= join(place, 'key');
    const { phrase } = await store.sync.exportKey();
    writeFileSync(key.keyFile, phrase, { mode: 0o600 });
    devices[name] = { store, wire };
  }
  try {
    for (const { store } of Object.values(devices)) await store.sync.start();
    const { store } = devices.sender;
    const thread = await store.runtime.createThread({ workspace: '/w', model: 'm', mode: 'agent' });
    const session = await store.sessions.create({ title: 's', workspace: '/w', model: 'm' });
    await sleep(2000);
    const payload = { delta: 'a few words of an answer '.repeat(8), kind: 'agent_message' };
    const append = () => store.events.append(thread.id, [{ type: 'item.delta', payload }]);
    const rename = (i) => store.sessions.rename(session.id, `the title number ${i}`);
    say(`${EVENTS} events, one a second`);
    const events = await counted(devices, EVENTS, EVERY_MS, append);
    say(`${EDITS} edits`);
    const edits = await counted(devices, EDITS, EDIT_EVERY_MS, rename);
    return [
      ...rowsOf(`${EVENTS} events of 300 bytes, one a second`, events),
      ...rowsOf(`${EDITS} edits of one title, five a second`, edits),
    ];
  } finally {
    for (const { store, wire } of Object.values(devices)) {
      await store.close();
      wire.stop();
    }
    await hub.stop();
  }
}

async function counted(devices, count, everyMs, work) {
  const before = bytesOf(devices);
  for (let i = 0; i < count; i++) {
    await work(i);
    await sleep(everyMs);
  }
  await sleep(1000);
  const after = bytesOf(devices);
  return Object.entries(after).map(([name, { sent, received }]) => ({
    name,
    sent: (sent - before[name].sent) / count,
    received: (received - before[name].received) / count,
  }));
}

function bytesOf(devices) {
  return Object.fromEntries(
    Object.entries(devices).map(([name, { wire }]) => [
      name,
      { sent: wire.sent, received: wire.received },
    ]),
  );
}

const NAMES = { sender: 'the sender', http: 'a reader over http', replica: 'a reader, replica' };

function rowsOf(work, list) {
  return list.map(({ name, sent, received }) => [
    `${work}: ${NAMES[name]}`,
    `${kib(sent + received)} each`,
    `sent ${kib(sent)}, received ${kib(received)}`,
    '',
  ]);
}

const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
