import { createHash } from 'node:crypto';
import { SyncKeyError } from '../../errors.ts';
import { includesRing, parseKeyRing, serialiseKeyRing, type KeyRing } from './key-ring.ts';
import { parseKeyCheck, unlockWith } from './lock.ts';

/** What a device has of an earlier time; all null where it has nothing. */
export interface HeldKey {
  readonly ring: string | null;
  readonly secret: string | null;
  readonly check: string | null;
}

/**
 * The keys of a device, which are those of the lock beside them. One wrong bit, and everything that the
 * group has would seem damaged: this device would take it off the hub, and send what nobody can read.
 *
 * A random key opens the lock again, whose ring is then taken. A passphrase is kept nowhere: there only
 * the proof tells.
 *
 * @returns null where the group encrypts nothing
 * @throws `SyncKeyError` they are not
 */
export function heldRing(held: HeldKey): KeyRing | null {
  if (held.ring === null) return null;
  const ring = ringOrUndefined(held.ring);
  const locked = lockedRing(held);
  // A former version of this program kept a ring that is newer than its lock.
  if (locked) return ring && includesRing(ring, locked) ? ring : locked;
  // Nor did it note a proof.
  if (ring && held.secret === null && (isProven(ring, held) || proofIn(held.ring) === undefined)) {
    return ring;
  }
  throw new SyncKeyError(
    'the keys of this device are damaged; nothing is exchanged with them',
    'Enable sync again with the key or passphrase of the group: "codewhale-store sync key" prints the key on another device. Nothing here is lost.',
  );
}

/** What a random key opens of the lock; undefined where it does not, and where there is only a passphrase. */
export function lockedRing({ secret, check }: Omit<HeldKey, 'ring'>): KeyRing | undefined {
  if (secret === null || check === null) return undefined;
  try {
    return unlockWith(parseKeyCheck(check), Buffer.from(secret, 'base64'));
  } catch (error) {
    if (error instanceof SyncKeyError) return undefined;
    throw error;
  }
}

/** The ring as a store keeps it, with the proof that it came out of its lock. */
export function heldText(ring: KeyRing, held: Pick<HeldKey, 'check'>): string {
  const parts = JSON.parse(serialiseKeyRing(ring)) as object;
  return JSON.stringify({ ...parts, proof: proofOf(ring, held) });
}

/** Whether a ring is the one that came out of the lock beside it, by what was noted then. */
export function isProven(ring: KeyRing, held: HeldKey): boolean {
  return held.ring !== null && proofIn(held.ring) === proofOf(ring, held);
}

function proofOf(ring: KeyRing, { check }: Pick<HeldKey, 'check'>): string {
  const text = JSON.stringify([serialiseKeyRing(ring), check]);
  return createHash('sha256').update(text).digest('base64url');
}

function ringOrUndefined(text: string): KeyRing | undefined {
  try {
    return parseKeyRing(text);
  } catch (error) {
    if (error instanceof SyncKeyError) return undefined;
    throw error;
  }
}

/** @returns undefined where there is none; null where the text is none that could have one */
function proofIn(text: string): unknown {
  try {
    return (JSON.parse(text) as { proof?: unknown }).proof;
  } catch {
    return null;
  }
}
