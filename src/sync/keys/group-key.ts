import { SyncKeyError } from '../../errors.ts';
import { newKeyRing, parseKeyRing, serialiseKeyRing, type KeyRing } from './key-ring.ts';
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

/** What a device has of an earlier time; all null where it has nothing. */
export interface HeldKey {
  readonly ring: string | null;
  readonly secret: string | null;
  readonly check: string | null;
}

/** How the user wants the hub: `none` refuses encryption, undefined leaves it to what is known. */
export type Wanted = LockSecret | 'none' | undefined;

/** The keys for a hub that is new, or that lost everything: the former ones where there are any. */
export async function keyForNewHub(held: HeldKey, wanted: Wanted): Promise<GroupKey> {
  if (wanted === 'none') return { ring: null, secret: null, check: NO_KEYS };
  const ring = held.ring === null ? newKeyRing() : parseKeyRing(held.ring);
  if (wanted === undefined && held.ring !== null && held.check !== null) {
    return { ring, secret: held.secret, check: held.check };
  }
  return lock(ring, wanted ?? newLockKey());
}

/**
 * The keys of a hub that has some, checked before anything is sent.
 *
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
  const heldRing = held.ring === null ? null : parseKeyRing(held.ring);
  if (wanted === undefined && heldRing && check === held.check) {
    return { ring: heldRing, secret: held.secret, check };
  }
  const secret = wanted ?? heldSecret(held);
  const opened = await openRing(parseKeyCheck(check), secret, heldRing?.newest ?? 0);
  // A hub that was restored has an older lock: what this device knows is newer.
  const ring = heldRing && opened && heldRing.newest > opened.newest ? heldRing : opened;
  return { ring, secret: secret && 'key' in secret ? encode(secret.key) : null, check };
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
  return [key.ring && serialiseKeyRing(key.ring), key.secret, key.check];
}

function encode(key: Uint8Array): string {
  return Buffer.from(key).toString('base64');
}
