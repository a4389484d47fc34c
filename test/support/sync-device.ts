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
import type { KeyRing } from '../../src/sync/keys/key-ring.ts';
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

export async function syncDevice(
  name: string,
  hub: Hub,
  options: { ring?: KeyRing | null; now?: () => number; path?: string } = {},
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
  const exchange: Exchange = {
    database,
    hub,
    ring: options.ring ?? null,
    // As the state has it, which knows nothing of the ring.
    lock: 'none',
    now,
    info: { name, platform: 'test' },
    machine: `machine of ${name}`,
    memory: new Memory(),
  };
  return { name, database, store, exchange, sync: () => syncOnce(exchange) };
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
