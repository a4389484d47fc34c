import { ConflictError, SyncKeyError } from '../errors.ts';
import { connect, type Access } from './connect.ts';
import { replaceKeyCheck } from './hub-meta.ts';
import { keyColumns, lock } from './keys/group-key.ts';
import { heldRing } from './keys/held-ring.ts';
import { nextKey } from './keys/key-ring.ts';
import { newLockKey, type LockSecret } from './keys/lock.ts';
import { keyToPhrase } from './keys/phrase.ts';
import { offerAll } from './offer.ts';
import { findState, heldKeyOf, needState, type SyncState } from './state.ts';

/** What opens the hub on the next device. */
export interface ExportedKey {
  /** The key as 24 words; null where a passphrase of the user's does it. */
  phrase: string | null;
  /** False: the hub is not encrypted. */
  encrypted: boolean;
}

/**
 * The key that the next device needs. It opens everything on the hub: show it to nobody else.
 *
 * @throws `SyncKeyError` it is damaged here
 */
export async function exportKey({ database }: Access): Promise<ExportedKey> {
  const state = await database.read(findState);
  if (!state || state.keyRing === null) return { phrase: null, encrypted: false };
  // Else the words might open nothing.
  heldRing(heldKeyOf(state));
  const phrase =
    state.keySecret === null ? null : keyToPhrase(Buffer.from(state.keySecret, 'base64'));
  return { phrase, encrypted: true };
}

/**
 * Makes a new key and seals everything anew under it, row by row, with the next exchanges. The other
 * devices need the new key before they go on.
 *
 * @param secret - a passphrase to lock it with; without one a random key is made
 * @throws `SyncKeyError` the hub is not encrypted
 * @throws `ConflictError` another device made a new key at the same time
 */
export async function rotateKey(access: Access, secret?: LockSecret): Promise<ExportedKey> {
  const { database, now } = access;
  database.refuseReadOnly();
  const connected = await connect(access);
  try {
    const state = await database.read(needState);
    const { ring, hub } = connected.exchange;
    if (!ring || state.keyCheck === null) {
      throw new SyncKeyError('the hub is not encrypted: there is no key to replace');
    }
    const key = await lock(nextKey(ring), secret ?? newLockKey());
    // Kept before it is shown to the hub: a key that only the hub knows would be lost with a crash. What
    // it is to seal is offered with it: whether the hub has the key may never be answered.
    await database.write({ now }, (transaction) => {
      transaction.run('update sync_state set key_ring = ?, key_secret = ?, key_check = ?', [
        ...keyColumns(key),
      ]);
      offerAll(transaction);
    });
    if (!(await replaceKeyCheck(hub, state.keyCheck, key.check, state.storeId))) {
      await restoreKeys(access, key.check, state);
      throw new ConflictError(
        'another device made a new key at the same time; bring it here first',
      );
    }
    return await exportKey(access);
  } finally {
    connected.close();
  }
}

/** Unless somebody has brought another key meanwhile. */
async function restoreKeys(
  { database, now }: Access,
  given: string,
  { keyRing, keySecret, keyCheck }: SyncState,
): Promise<void> {
  await database.write({ now }, (transaction) => {
    transaction.run(
      'update sync_state set key_ring = ?, key_secret = ?, key_check = ? where key_check = ?',
      [keyRing, keySecret, keyCheck, given],
    );
  });
}
