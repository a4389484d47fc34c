// A process that takes one item with a large text through a device's life, and tells for each step
// what it took: how much memory beyond the text, and how long nothing else had a turn.
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Database } from '../../../src/db/database.ts';
import { openDatabase } from '../../../src/db/open.ts';
import { Store } from '../../../src/store.ts';
import { Memory } from '../../../src/sync/exchange.ts';
import type { Hub } from '../../../src/sync/hub/hub.ts';
import { newKeyRing, type KeyRing } from '../../../src/sync/keys/key-ring.ts';
import { offerAll } from '../../../src/sync/offer.ts';
import { syncOnce } from '../../../src/sync/sync-once.ts';
import { FileHub } from '../../support/file-hub.ts';
import { largeText } from './large-text.ts';
import { endSteps, step } from './measured-step.ts';

const [folder = '', script = '', megabytes = ''] = process.argv.slice(2);
function open(name: string): Promise<Database> {
  const path = join(folder, name, 'store.db');
  return openDatabase(path, { durability: 'full', readOnly: false }, Date.now);
}

async function device(name: string, hub: Hub, ring: KeyRing) {
  const now = Date.now;
  const database = await open(name);
  await database.write({ now }, (transaction) => {
    transaction.run(
      `insert into sync_state (only, enabled, url, pull, device_name, key_check, epoch, epoch_token,
         cursor, floor_ms, floor_counter, round, copied, refused)
       values (1, 1, 'file:', 'http', ?, 'none', 0, '', 0, 0, 0, 0, 0, 0)`,
      [name],
    );
    transaction.run('update device set capturing = 1');
    transaction.forgetIdentity();
    offerAll(transaction);
  });
  const info = { name, platform: 'test' };
  const keys = { ring, lock: 'none' };
  const exchange = { database, hub, ...keys, now, info, machine: name, memory: new Memory() };
  return { store: new Store(database, { now }), sync: () => syncOnce(exchange) };
}

function expectSame(found: unknown, text: string): void {
  if (found !== text) throw new Error('what was read is not what was saved');
}

const file = new FileHub({ path: join(folder, 'hub.db') });
// As over a network: what waits for an answer lets others have a turn.
const hub: Hub = {
  run: async (statements, mode) => {
    await setTimeout(1);
    return file.run(statements, mode);
  },
  close: () => {
    file.close();
  },
};
const ring = newKeyRing();
const a = await device('a', hub, ring);
const b = await device('b', hub, ring);
await a.sync();
await b.sync();
const workspace = { workspace: '/w', model: 'auto', mode: 'agent' };
const thread = await a.store.runtime.createThread(workspace);
const turn = await a.store.runtime.startTurn(thread.id);
const detail = largeText(script, Number(megabytes) << 20);
const { id } = await step('save', () =>
  a.store.runtime.saveItem(turn.id, {
    kind: 'command_execution',
    status: 'completed',
    summary: 'large',
    detail,
  }),
);
await step('send', () => a.sync());
await step('receive', () => b.sync());
for (const format of ['jsonl', 'legacy'] as const) {
  await step(`export ${format}`, () => b.store.export(join(folder, format), { format }));
}
await a.store.close();
await b.store.close();

for (const name of ['a', 'b']) {
  const store = new Store(await open(name), { now: Date.now });
  const item = await step(`read ${name}`, () => store.runtime.getItem(id));
  expectSame(item.detail, detail);
  const { items } = await step(`follow ${name}`, () => store.events.tail(thread.id, 1));
  expectSame((items[0]?.payload as { item: { detail: string } }).item.detail, detail);
  await store.close();
}
endSteps();
hub.close();
