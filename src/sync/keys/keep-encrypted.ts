import { EncryptedGroupError } from '../../errors.ts';
import type { Hub } from '../hub/hub.ts';
import { replaceKeyCheck, type HubMeta } from '../hub-meta.ts';
import { NO_KEYS, type Wanted } from './group-key.ts';
import type { HeldKey } from './held-ring.ts';

/** What a device remembers of the group: its store id, and the keys where it is encrypted. */
interface Known {
  readonly storeId: string | null;
  readonly held: HeldKey;
}

/**
 * A group that has keys has them for good. A hub that says otherwise was changed by somebody, and gets
 * the lock back that this device knows: else the next step would be to send everything in clear.
 *
 * @returns whether it said otherwise: then it is to be asked again
 */
export async function keepEncrypted(
  hub: Hub,
  meta: Pick<HubMeta, 'storeId' | 'keyCheck'>,
  { storeId, held }: Known,
): Promise<boolean> {
  if (meta.storeId !== storeId || meta.keyCheck !== NO_KEYS) return false;
  if (held.ring === null || held.check === null) return false;
  await replaceKeyCheck(hub, meta.keyCheck, held.check, storeId);
  return true;
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
