import { randomBytes } from 'node:crypto';
import type { Transaction } from '../db/transaction.ts';
import { DeviceRevokedError, HubAccessError, HubForeignError } from '../errors.ts';
import { newUlid } from '../areas/new-id.ts';
import { takeIdentity } from '../db/identity.ts';
import { sameAsk, sameMark, type Ask } from './ask.ts';
import type { Exchange } from './exchange.ts';
import { foundHub, raiseEpoch } from './found-hub.ts';
import { askHub, replaceKeyCheck, type HubMeta } from './hub-meta.ts';
import { raiseHead } from './raise-head.ts';
import { keyColumns, keyForHub, NO_KEYS } from './keys/group-key.ts';
import { keepLock } from './keys/keep-lock.ts';
import { parseKeyCheck } from './keys/lock.ts';
import { offerAll } from './offer.ts';
import { isOfCopy, isOwnMark, writeMark } from './push-mark.ts';
import { heldKeyOf, needState, saveAcked, saveCursor, savePair, type SyncState } from './state.ts';
import { refuseParted } from './sure-keys.ts';

/**
 * Compares the hub with what this device remembers of it, and sets right what differs: an empty hub
 * is founded or refilled, one that lost its meta row gets it back, one that went back or lies above its
 * head gets a new epoch, a last push that somebody wrote there is set right, and a store that was restored or
 * copied takes a new device id. Nothing local is ever cleared.
 *
 * @returns true: go on with the answer; false: the state was changed, ask again
 * @throws `HubForeignError` the hub of another store
 * @throws `DeviceRevokedError`
 */
export async function identify(
  exchange: Exchange,
  ask: Ask,
  meta: HubMeta | null,
): Promise<boolean> {
  const state = await exchange.database.read(needState);
  if (!sameAsk(ask, state)) return false;
  if (meta === null) {
    await refill(exchange, state);
    return false;
  }
  if (meta.storeId !== state.storeId) {
    if (state.storeId !== null) await refuse(exchange, state);
    await change(exchange, ask, (transaction) => {
      adopt(exchange, ask, transaction, meta);
    });
    return false;
  }
  if (state.refused) {
    await change(exchange, ask, (transaction) => {
      transaction.run('update sync_state set refused = 0');
    });
  }
  if (meta.revoked) throw revoked();
  if (meta.keyCheck !== state.keyCheck && !(await followKeys(exchange, state, meta))) return false;
  if (!meta.isSound && (await setHeadRight(exchange, ask, meta))) return false;
  if (meta.epoch.number < state.epoch.number || meta.epoch.token === '') {
    await raiseEpoch(exchange.hub, ask, meta.epoch, null);
    return false;
  }
  if (!sameMark(meta.epoch, state.epoch)) {
    await change(exchange, ask, (transaction) => {
      adopt(exchange, ask, transaction, meta);
    });
    return false;
  }
  if (!meta.hasPair) {
    await raiseEpoch(exchange.hub, ask, state.epoch, ask.pair);
    return false;
  }
  return knowsOurPush(exchange, ask, meta);
}

/**
 * Another device made a new key, or the hub was restored to a time before one.
 *
 * @throws `SyncKeyError` the new key has to be brought here first, or the one that was made apart from ours
 */
async function followKeys(exchange: Exchange, state: SyncState, meta: HubMeta): Promise<boolean> {
  const held = heldKeyOf(state);
  if (await keepLock(exchange.hub, meta, { storeId: state.storeId, held })) {
    const said =
      meta.keyCheck === NO_KEYS
        ? 'the hub said of this encrypted group that it is not encrypted'
        : 'the lock of the keys on the hub (hub_meta.key_check) was none that a device made';
    exchange.memory.repairs.tell(`${said}; somebody had changed that, and it was set back`);
    return false;
  }
  const ours = exchange.ring?.newest ?? 0;
  // An older lock, of a hub that was restored, or founded anew by a device that has only that key.
  const number = meta.keyCheck === NO_KEYS ? ours : parseKeyCheck(meta.keyCheck).number;
  if (number < ours && state.keyCheck !== null) {
    await refuseParted(exchange, number);
    await replaceKeyCheck(exchange.hub, meta.keyCheck, state.keyCheck, state.storeId);
    return false;
  }
  const wanted = state.keyRing === null ? 'none' : undefined;
  const key = await keyForHub(held, wanted, meta.keyCheck);
  await change(exchange, state, (transaction) => {
    transaction.run('update sync_state set key_ring = ?, key_secret = ?, key_check = ?', [
      ...keyColumns(key),
    ]);
  });
  exchange.ring = key.ring;
  exchange.lock = key.check;
  // What waited for the key is applied from the first one on, in order.
  exchange.memory.parkedFrom = 0;
  return true;
}

/** @returns false: the token may only read, and another device has to do it; what is there can be read */
async function setHeadRight(exchange: Exchange, ask: Ask, meta: HubMeta): Promise<boolean> {
  const { repairs } = exchange.memory;
  const what = 'entries on the hub lay above the number that it gave as its last (hub_meta.head)';
  try {
    if (await raiseHead(exchange.hub, ask, meta)) repairs.tell(`${what}, which was set right`);
    return true;
  } catch (error) {
    if (!(error instanceof HubAccessError)) throw error;
    repairs.tell(`${what}, and this device may not set that right`);
    return false;
  }
}

/** The hub's record of our last push tells whether this store was restored or copied. */
async function knowsOurPush(exchange: Exchange, ask: Ask, meta: HubMeta): Promise<boolean> {
  const sent = sameMark(meta.mine, ask.sent);
  if (!sent && !sameMark(meta.mine, ask.acked)) {
    if (!isOfCopy(exchange.ring, ask, meta.mine)) return setMarkRight(exchange, ask, meta);
    await change(exchange, ask, (transaction) => {
      becomeAnother(exchange, transaction);
    });
    return false;
  }
  if (!sent || sameMark(ask.sent, ask.acked)) return true;
  await change(exchange, ask, (transaction) => {
    saveAcked(transaction, ask.sent);
    // Together: of a hub that goes back to before this push it would else look as if somebody had
    // written over what it knows of us.
    savePair(transaction, meta.head);
  });
  return false;
}

/**
 * What stands there no copy of this store made: to take another id for it would take the work of this
 * device away.
 *
 * @returns true: the token may only read; what is there can be read
 */
async function setMarkRight(exchange: Exchange, ask: Ask, meta: HubMeta): Promise<boolean> {
  const { hub, info, memory } = exchange;
  const what = 'somebody had changed or deleted what the hub knows of the last push of this device';
  try {
    await writeMark(hub, ask, info, meta);
    memory.repairs.tell(`${what}, which was set right`);
    return false;
  } catch (error) {
    if (!(error instanceof HubAccessError)) throw error;
    memory.repairs.tell(`${what}, and this device may not set that right`);
    return true;
  }
}

/** The work of the former device stays with it, because that may go on elsewhere: so it is told. */
function becomeAnother({ machine, memory }: Exchange, transaction: Transaction): void {
  memory.copyOf = transaction.device;
  takeIdentity(transaction, newUlid(transaction.now()), machine);
}

/**
 * A store on another machine than the one that it was last at work on was copied.
 *
 * @throws `DeviceRevokedError` the device of which it is a copy was revoked: under another id it would
 *   come back
 */
export async function noticeCopy(exchange: Exchange): Promise<void> {
  const { database, machine, now } = exchange;
  const known = await database.read((reader) => reader.rows('select machine from device')[0]?.[0]);
  if (known === machine) return;
  if (known !== null) await refuseRevoked(exchange);
  await database.write({ now }, (transaction) => {
    const held = transaction.rows('select machine from device')[0]?.[0];
    if (held === machine) return;
    if (held === null) transaction.run('update device set machine = ?', [machine]);
    else becomeAnother(exchange, transaction);
  });
}

async function refuseRevoked({ database, hub }: Exchange): Promise<void> {
  const state = await database.read(needState);
  const asked = await askHub(hub, state, []);
  if (asked?.meta.storeId === state.storeId && asked.meta.revoked) throw revoked();
}

const revoked = () => new DeviceRevokedError('this device was revoked at the hub');

/** Takes over where the hub is, and offers it everything. */
function adopt(exchange: Exchange, ask: Ask, transaction: Transaction, meta: HubMeta): void {
  transaction.run('update sync_state set store_id = ?, epoch = ?, epoch_token = ?, refused = 0', [
    meta.storeId,
    meta.epoch.number,
    meta.epoch.token,
  ]);
  saveCursor(transaction, 0);
  const { mine } = meta;
  saveAcked(transaction, mine && isOwnMark(exchange.ring, ask, mine) ? mine : null);
  savePair(transaction, meta.head);
  offerAll(transaction);
}

async function refuse(exchange: Exchange, state: SyncState): Promise<never> {
  await change(exchange, state, (transaction) => {
    transaction.run('update sync_state set refused = 1');
  });
  throw new HubForeignError('the address leads to the hub of another store');
}

async function refill(exchange: Exchange, state: SyncState): Promise<void> {
  const epoch = { number: state.epoch.number + 1, token: randomBytes(16).toString('hex') };
  const storeId = state.storeId ?? newUlid(exchange.now());
  const keyCheck = state.keyCheck ?? NO_KEYS;
  // By whomever: what it is now is looked at next.
  await foundHub(exchange.hub, { storeId, epoch, keyCheck }, state.pair);
}

/** Changes the state unless it is another one meanwhile than that in which the reason was seen. */
async function change(
  exchange: Exchange,
  ask: Ask,
  job: (transaction: Transaction) => void,
): Promise<void> {
  await exchange.database.write({ now: exchange.now }, (transaction) => {
    if (sameAsk(ask, needState(transaction))) job(transaction);
  });
}
