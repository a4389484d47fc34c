import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Database } from '../../src/db/database.ts';
import { openDatabase } from '../../src/db/open.ts';
import { Store } from '../../src/store.ts';
import { sayAllAgain } from '../../src/upkeep/purge.ts';
import { Memory, type Exchange } from '../../src/sync/exchange.ts';
import type { Hub } from '../../src/sync/hub/hub.ts';
import { keyColumns, lock, type GroupKey } from '../../src/sync/keys/group-key.ts';
import type { KeyRing } from '../../src/sync/keys/key-ring.ts';
import { newLockKey } from '../../src/sync/keys/lock.ts';
import { offerAll } from '../../src/sync/offer.ts';
import { syncOnce, type Exchanged } from '../../src/sync/sync-once.ts';

/** A store that exchanges with a hub in this process, without a worker. */
export interface SyncDevice {
  readonly name: string;
  readonly database: Database;
  readonly store: Store;
  readonly exchange: Exchange;
  sync(): Promise<Exchanged>;
}

interface SyncDeviceOptions {
  readonly ring?: KeyRing | null;
  /** The ring lies under a lock, as in a real group; else the state knows nothing of it. */
  readonly isLocked?: boolean;
  readonly now?: () => number;
  readonly path?: string;
}

export async function syncDevice(
  name: string,
  hub: Hub,
  options: SyncDeviceOptions = {},
): Promise<SyncDevice> {
  const now = options.now ?? Date.now;
  const folder = mkdtempSync(join(tmpdir(), 'cws-sync-'));
  const path = options.path ?? join(folder, 'store.db');
  const settings = { durability: 'normal', readOnly: false } as const;
  const database = await openDatabase(path, settings, now);
  const store = new Store(database, { now });
  onTestFinished(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  await turnOn(database, now, name);
  const ring = options.ring ?? null;
  const key = ring && options.isLocked ? await keyOf(ring) : undefined;
  if (key) await keepKey(database, now, key);
  const exchange: Exchange = {
    database,
    hub,
    ring,
    // As the state has it.
    lock: key?.check ?? 'none',
    now,
    info: { name, platform: 'test' },
    machine: `machine of ${name}`,
    memory: new Memory(),
  };
  return { name, database, store, exchange, sync: () => syncOnce(exchange) };
}

/** One lock for all devices of a group. */
const locked = new WeakMap<KeyRing, Promise<GroupKey>>();

function keyOf(ring: KeyRing): Promise<GroupKey> {
  const held = locked.get(ring) ?? lock(ring, newLockKey());
  locked.set(ring, held);
  return held;
}

async function keepKey(database: Database, now: () => number, key: GroupKey): Promise<void> {
  await database.write({ now }, (transaction) => {
    transaction.run('update sync_state set key_ring = ?, key_secret = ?, key_check = ?', [
      ...keyColumns(key),
    ]);
  });
}

/** What `sync enable` does to the store. */
export async function turnOn(database: Database, now: () => number, name: string): Promise<void> {
  await database.write({ now }, (transaction) => {
    transaction.run(
      `insert or ignore into sync_state (only, enabled, url, pull, device_name, key_check, epoch, epoch_token, cursor,
         floor_ms, floor_counter, round, copied, refused)
       values (1, 1, 'file:', 'http', ?, 'none', 0, '', 0, 0, 0, 0, 0, 0)`,
      [name],
    );
    transaction.run('update sync_state set enabled = 1');
    transaction.run('update device set capturing = 1');
    transaction.forgetIdentity();
    sayAllAgain(transaction);
    offerAll(transaction);
  });
}
