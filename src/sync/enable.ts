import { randomBytes } from 'node:crypto';
import type { Transaction } from '../db/transaction.ts';
import { IMMUTABLE_TABLES } from '../model/registers.ts';
import { sayAllAgain } from '../upkeep/purge.ts';
import { newUlid } from '../areas/new-id.ts';
import { takeIdentity } from '../db/identity.ts';
import {
  HubBusyError,
  HubForeignError,
  HubNotReachedError,
  HubRefusedError,
  HubUnreachableError,
  NotAHubError,
  SyncKeyError,
} from '../errors.ts';
import { infoOf, tokenSource, type Access } from './connect.ts';
import { nameStatement } from './devices.ts';
import { foundHub, undoFounding } from './found-hub.ts';
import { askHub, type HubMeta } from './hub-meta.ts';
import { HttpHub } from './hub/http-hub.ts';
import { hubAddress } from './hub/hub-address.ts';
import type { Hub } from './hub/hub.ts';
import {
  keyColumns,
  keyForHub,
  keyForNewHub,
  type GroupKey,
  soundRing,
  type Wanted,
} from './keys/group-key.ts';
import { keepLock, refuseClear } from './keys/keep-lock.ts';
import type { HeldKey } from './keys/held-ring.ts';
import type { KeyRing } from './keys/key-ring.ts';
import { machineId } from './machine.ts';
import { doubtDamage } from './apply/park.ts';
import { rekeyParked } from './rekey-parked.ts';
import { offerAll } from './offer.ts';
import { askOf } from './push-once.ts';
import { refuseOldToken } from './old-token.ts';
import { findState, heldKeyOf, type PullMode, type SyncState } from './state.ts';

export interface EnableSettings {
  readonly url: string;
  readonly tokenFile: string | null;
  readonly key: Wanted;
  readonly name: string;
  readonly pull: PullMode;
  /** Leave the hub that this store was with, for another one. */
  readonly join: boolean;
}

export interface Enabled {
  readonly url: string;
  readonly storeId: string;
  readonly deviceId: string;
  readonly deviceName: string;
  readonly encrypted: boolean;
  /** True when this device founded the hub, or filled an empty one. */
  readonly founded: boolean;
  /**
   * True when that hub is not where this store's group was: all of it moves there, under the same store
   * id. The other devices stay with the former hub until sync is enabled with this address on them, too.
   */
  readonly moved: boolean;
  /** True when a key was made that other devices will need. */
  readonly newKey: boolean;
}

/**
 * Turns sync on: checks the hub, the token and the key, and then lets every change be noted and
 * everything that was written before be offered. Nothing of the store is sent before all is checked,
 * and where anything fails, sync stands as it stood before.
 *
 * @throws the errors of the hub, `SyncKeyError`, `HubForeignError`, `HubNewerError`; `NotAHubError`
 *   something else answers; `DeviceRevokedError` it was revoked, and the token is the one it had then
 */
export async function enableSync(access: Access, settings: EnableSettings): Promise<Enabled> {
  const hub = new HttpHub({ url: settings.url, token: tokenSource(settings.tokenFile) });
  try {
    return await enableWith(access, settings, hub);
  } finally {
    hub.close();
  }
}

export async function enableWith(
  access: Access,
  settings: EnableSettings,
  hub: Hub,
): Promise<Enabled> {
  const { database, now } = access;
  database.refuseReadOnly();
  const { state, device } = await database.read((reader) => ({
    state: findState(reader),
    device: String(reader.rows('select id from device')[0]?.[0]),
  }));
  const held = heldKeyOf(state);
  const known = settings.join ? null : (state?.storeId ?? null);
  const ask = { ...(state ? askOf(state, now()) : BLANK), device };
  const told = (error: unknown) => explain(hub, error);
  const group = { storeId: state?.storeId ?? null, held };
  let found = await askHub(hub, ask, [], 'write').catch(told);
  if (found) await refuseOldToken(found.meta, settings.tokenFile, now());
  if (found && known !== null && found.meta.storeId !== known) {
    throw new HubForeignError('the address leads to the hub of another store');
  }
  refuseClear(found?.meta.storeId ?? known, group, settings.key);
  if (found && (await keepLock(hub, found.meta, group).catch(told))) {
    found = await askHub(hub, ask, [], 'write').catch(told);
  }
  const ours = heldFor(settings, group, found?.meta);
  const { asked, key } = await keyOf(hub, found, ours, settings.key, device);
  const storeId = asked?.meta.storeId ?? known ?? newUlid(now());
  const info = infoOf({ deviceName: settings.name });
  if (!asked) {
    const epoch = {
      number: (settings.join ? 0 : (state?.epoch.number ?? 0)) + 1,
      token: randomBytes(16).toString('hex'),
    };
    const rest = settings.join ? 'clear' : ask.pair;
    const founding = { storeId, epoch, keyCheck: key.check, founder: { id: device, ...info } };
    // Its keys are not ours, and it may be taken back before anybody has used them.
    if (!(await foundHub(hub, founding, rest).catch(told))) {
      throw new HubBusyError('somebody else sets up this hub at the same moment', undefined, {
        hint: 'Enable sync again: with the key of that device, where it made one.',
      });
    }
  }
  // Who was revoked comes back as somebody else.
  const deviceId = asked?.meta.revoked ? newUlid(now()) : device;
  // Before anything is saved: a token that may only read is found out by this write, and no other.
  const name = nameStatement(deviceId, info);
  await hub.run([name], 'write').catch(told);
  await save(access, settings, state, key, { storeId, deviceId });
  return {
    url: settings.url,
    storeId,
    deviceId,
    deviceName: settings.name,
    encrypted: key.ring !== null,
    founded: !asked,
    moved: !asked && known !== null && isElsewhere(state, settings.url),
    newKey: !asked && key.secret !== null && key.secret !== held.secret,
  };
}

const NO_KEY_HELD: HeldKey = { ring: null, secret: null, check: null };

/**
 * What is held for a hub: the keys of one group open nothing of another. Who leaves the former hub for an
 * empty one leaves damaged keys behind.
 *
 * @param found - undefined: the hub is empty
 */
function heldFor(
  { join }: EnableSettings,
  { storeId, held }: { readonly storeId: string | null; readonly held: HeldKey },
  found: HubMeta | undefined,
): HeldKey {
  const isOther = found && found.storeId !== storeId && found.keyCheck !== held.check;
  const isLeft = !found && join && soundRing(held) === null;
  return isOther || isLeft ? NO_KEY_HELD : held;
}

/**
 * The keys for this hub.
 *
 * @returns `asked`: null where the hub is to be founded, also because it was by this device, under a
 *   key that went with the answer that never came
 */
async function keyOf(
  hub: Hub,
  asked: Awaited<ReturnType<typeof askHub>>,
  held: HeldKey,
  wanted: Wanted,
  device: string,
): Promise<{ asked: typeof asked; key: GroupKey }> {
  if (!asked) return { asked, key: await keyForNewHub(held, wanted) };
  const { keyCheck } = asked.meta;
  try {
    return { asked, key: await keyForHub(held, wanted, keyCheck) };
  } catch (error) {
    if (!(error instanceof SyncKeyError) || keyCheck === held.check) throw error;
    if (!(await undoFounding(hub, device))) throw error;
    return { asked: null, key: await keyForNewHub(held, wanted) };
  }
}

function isElsewhere(former: SyncState | undefined, url: string): boolean {
  return former !== undefined && hubAddress(former.url).base !== hubAddress(url).base;
}

/** Nothing was changed here yet, and what answers may be anything. */
async function explain(hub: Hub, error: unknown): Promise<never> {
  if (error instanceof HubUnreachableError) {
    throw new HubNotReachedError(error.message, { cause: error });
  }
  if (!(error instanceof HubRefusedError)) throw error;
  try {
    await hub.run([{ sql: 'select 1', params: [] }], 'read');
  } catch (again) {
    if (again instanceof HubRefusedError) {
      throw new NotAHubError(`there is no hub at this address: ${again.message}`, { cause: error });
    }
  }
  throw error;
}

const BLANK = {
  storeId: null,
  epoch: { number: 0, token: '' },
  cursor: 0,
  pair: null,
  acked: null,
  sent: null,
  floorMs: 0,
} as const;

async function save(
  { database, now }: Access,
  settings: EnableSettings,
  state: SyncState | undefined,
  key: GroupKey,
  hub: { readonly storeId: string; readonly deviceId: string },
): Promise<void> {
  await database.write({ now }, (transaction) => {
    if (!state) insertState(transaction);
    if (settings.join && state && hub.storeId !== state.storeId) forgetHub(transaction);
    rekeyParked(transaction, formerRing(state), key.ring);
    transaction.run(
      `update sync_state set enabled = 1, refused = 0, url = ?, token_file = ?, pull = ?,
         device_name = ?, key_ring = ?, key_secret = ?, key_check = ?`,
      [settings.url, settings.tokenFile, settings.pull, settings.name, ...keyColumns(key)],
    );
    transaction.run('update device set capturing = 1, machine = coalesce(machine, ?)', [
      machineId(),
    ]);
    transaction.forgetIdentity();
    if (hub.deviceId !== transaction.device) {
      takeIdentity(transaction, hub.deviceId, machineId());
    }
    doubtDamage(transaction);
    sayAllAgain(transaction);
    offerAll(transaction);
  });
}

/** @returns undefined where the keys are damaged */
function formerRing(state: SyncState | undefined): KeyRing | null | undefined {
  const held = heldKeyOf(state);
  return soundRing(held) ?? (held.ring === null ? null : undefined);
}

function insertState(transaction: Transaction): void {
  transaction.run(
    `insert or ignore into sync_state (only, enabled, url, pull, device_name, epoch, epoch_token, cursor,
       floor_ms, floor_counter, round, copied, refused)
     values (1, 0, '', 'auto', '', 0, '', 0, 0, 0, 0, 0, 0)`,
  );
}

/** What was remembered of the former hub; what was accepted there says nothing about this one. */
function forgetHub(transaction: Transaction): void {
  transaction.run(
    `update sync_state set store_id = null, epoch = 0, epoch_token = '', cursor = 0,
       pair_head = null, pair_token = null, acked_number = null, acked_token = null,
       sent_number = null, sent_token = null, floor_ms = 0, floor_counter = 0`,
  );
  transaction.run(
    `update sync_status set devices = '[]', hub_head = null, clock_offset_ms = null,
       synced_at = null, error = null`,
  );
}

/**
 * Turns sync off: nothing is noted any more, and nothing stays queued, but for the marks of what was
 * purged: the hub holds it until it is told. What is here stays.
 */
export async function disableSync({ database, now }: Access): Promise<void> {
  await database.write({ now }, (transaction) => {
    transaction.run('update sync_state set enabled = 0');
    transaction.run('update device set capturing = 0');
    const marks = JSON.stringify(IMMUTABLE_TABLES.map(({ name }) => name));
    transaction.run(
      `delete from outbox
       where stuck is not null or table_name not in (select value from json_each(?))`,
      [marks],
    );
    transaction.forgetIdentity();
  });
}
