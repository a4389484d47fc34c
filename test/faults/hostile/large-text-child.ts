// A process that takes one item with a large text through a device's life, and tells for each step
// what it took: how much memory beyond the text, and how long nothing else had a turn.
import { readFileSync, writeFileSync } from 'node:fs';
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
import type { StepFigures } from './large-text-figures.ts';

const [folder = '', script = '', megabytes = ''] = process.argv.slice(2);
const BYTES = Number(megabytes) << 20;

/** Lines that differ, as a log has them: JSON escapes the end of each. */
function largeText(): string {
  const words = script === 'cjk' ? '工具所说的话的一行文字' : 'of what a tool said';
  const bytes = Buffer.alloc(BYTES, '.');
  for (let at = 0, number = 0; ; number++) {
    const line = Buffer.from(`line ${number} ${words}: ${(number * 2_654_435_761) >>> 0}\n`);
    if (at + line.length > BYTES) break;
    at += line.copy(bytes, at);
  }
  return bytes.toString(script === 'cjk' ? 'utf8' : 'latin1');
}

let gapMs = 0;
let lastTurn = performance.now();
function noteTurn(): void {
  const now = performance.now();
  gapMs = Math.max(gapMs, now - lastTurn);
  lastTurn = now;
}

const collect = (globalThis as { gc?: () => void }).gc;

/** In KiB: the memory of this process now (`VmRSS`), or the most since it was set back (`VmHWM`). */
function memory(kind: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  return Number(new RegExp(`${kind}:\\s+(\\d+)`).exec(status)?.[1]);
}

async function step<T>(name: string, job: () => Promise<T>): Promise<T> {
  collect?.();
  // What was freed goes back to the system a moment later.
  await setTimeout(50);
  writeFileSync('/proc/self/clear_refs', '5');
  const before = memory('VmRSS');
  const started = performance.now();
  gapMs = 0;
  lastTurn = started;
  const result = await job();
  noteTurn();
  const figures: StepFigures = {
    step: name,
    ms: Math.round(performance.now() - started),
    gapMs: Math.round(gapMs),
    grownMb: Math.round(((memory('VmHWM') - before) * 1024) / 1e6),
  };
  console.log(JSON.stringify(figures));
  return result;
}

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

const timer = setInterval(noteTurn, 2);
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
const detail = largeText();
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
clearInterval(timer);
hub.close();
