import { SyncKeyError } from '../../errors.ts';
import { heldRing, heldText, type HeldKey } from './held-ring.ts';
import { includesRing, newKeyRing, type KeyRing } from './key-ring.ts';
import { lockRing, newLockKey, openRing, parseKeyCheck, type LockSecret } from './lock.ts';

/** What the hub keeps in the place of a locked ring when its group encrypts nothing. */
export const NO_KEYS = 'none';

/** The keys of a group as a device keeps them. */
export interface GroupKey {
  readonly ring: KeyRing | null;
  /** The random key that locks the ring, base64; null for a passphrase, which is never kept. */
  readonly secret: string | null;
  /** The lock as it stands on the hub. */
  readonly check: string;
}

/** How the user wants the hub: `none` refuses encryption, undefined leaves it to what is known. */
export type Wanted = LockSecret | 'none' | undefined;

/**
 * The keys for a hub that is new, or that lost everything: the former ones where there are any.
 *
 * @throws `SyncKeyError` the former ones are damaged
 */
export async function keyForNewHub(held: HeldKey, wanted: Wanted): Promise<GroupKey> {
  if (wanted === 'none') return { ring: null, secret: null, check: NO_KEYS };
  const ring = heldRing(held) ?? newKeyRing();
  if (wanted === undefined && held.ring !== null && held.check !== null) {
    return { ring, secret: held.secret, check: held.check };
  }
  return lock(ring, wanted ?? newLockKey());
}

/**
 * The keys of a hub that has some, checked before anything is sent.
 *
 * @param held - of the group of this very hub: those of another group open nothing there
 * @throws `SyncKeyError`
 */
export async function keyForHub(held: HeldKey, wanted: Wanted, check: string): Promise<GroupKey> {
  if (check === NO_KEYS) {
    if (wanted === 'none') return { ring: null, secret: null, check };
    throw new SyncKeyError(
      'this hub is not encrypted',
      'To use it so, enable sync with --no-encryption; the hub then reads everything.',
    );
  }
  if (wanted === 'none') throw new SyncKeyError('this hub is encrypted: its key is needed');
  const known = soundRing(held);
  if (wanted === undefined && known && check === held.check) {
    return { ring: known, secret: held.secret, check };
  }
  const secret = wanted ?? heldSecret(held);
  const opened = await openRing(parseKeyCheck(check), secret, known?.newest ?? 0);
  // A hub that was restored has an older lock: this device has the newer one, which it gets back.
  const isOlder = known && opened && known.newest > opened.newest && includesRing(known, opened);
  if (isOlder && held.check !== null) {
    return { ring: known, secret: held.secret, check: held.check };
  }
  return { ring: opened, secret: secret && 'key' in secret ? encode(secret.key) : null, check };
}

/** The keys that are held; null also where they are damaged, and others are to take their place. */
export function soundRing(held: HeldKey): KeyRing | null {
  try {
    return heldRing(held);
  } catch (error) {
    if (error instanceof SyncKeyError) return null;
    throw error;
  }
}

/** Locks a ring under a secret. */
export async function lock(ring: KeyRing, secret: LockSecret): Promise<GroupKey> {
  const check = JSON.stringify(await lockRing(ring, secret));
  return { ring, secret: 'key' in secret ? encode(secret.key) : null, check };
}

export function heldSecret(held: HeldKey): LockSecret | null {
  return held.secret === null ? null : { key: Buffer.from(held.secret, 'base64') };
}

/** As columns of the sync state. */
export function keyColumns(key: GroupKey): [string | null, string | null, string] {
  return [key.ring && heldText(key.ring, key), key.secret, key.check];
}

function encode(key: Uint8Array): string {
  return Buffer.from(key).toString('base64');
}
