import { EncryptedGroupError } from '../../errors.ts';
import type { Hub } from '../hub/hub.ts';
import { replaceKeyCheck, type HubMeta } from '../hub-meta.ts';
import { NO_KEYS, type Wanted } from './group-key.ts';
import type { HeldKey } from './held-ring.ts';
import { findKeyCheck } from './lock.ts';

/** What a device remembers of the group: its store id, and the keys where it is encrypted. */
interface Known {
  readonly storeId: string | null;
  readonly held: HeldKey;
}

/**
 * A group that has keys has them for good, and none has a lock that is no lock. A hub that says otherwise was
 * changed by somebody, and gets the lock back that this device knows: else the next step would be to send
 * everything in clear, or nothing any more.
 *
 * @returns whether it said otherwise: then it is to be asked again
 */
export async function keepLock(
  hub: Hub,
  meta: Pick<HubMeta, 'storeId' | 'keyCheck'>,
  { storeId, held }: Known,
): Promise<boolean> {
  if (meta.storeId !== storeId || held.check === null || meta.keyCheck === held.check) return false;
  if (!isNobodys(meta.keyCheck, held.ring, held.check)) return false;
  await replaceKeyCheck(hub, meta.keyCheck, held.check, storeId);
  return true;
}

/** Whether no device made this lock. One of a later key may be true: only who made that key can tell. */
function isNobodys(check: string, ring: string | null, ours: string): boolean {
  if (check === NO_KEYS) return ring !== null;
  const lock = findKeyCheck(check);
  // Ours under another number, or with another way to the key: no two locks come out alike.
  return lock === undefined || lock.ring === findKeyCheck(ours)?.ring;
}

/**
 * @param hubStoreId - of the hub as it is or will be; null: of a new group
 * @throws `EncryptedGroupError` the keys of the very same store would be given up
 */
export function refuseClear(hubStoreId: string | null, { storeId, held }: Known, wanted: Wanted) {
  if (wanted !== 'none' || held.ring === null || storeId === null || hubStoreId !== storeId) return;
  throw new EncryptedGroupError(
    'this store has a key for its group, whose hub holds nothing in clear',
  );
}
