import { SealError, SyncKeyError } from '../errors.ts';
import type { Exchange } from './exchange.ts';
import { isProven, lockedRing } from './keys/held-ring.ts';
import { includesRing, type KeyRing } from './keys/key-ring.ts';
import { sampleStatement, toEntry, type Entry } from './pull-statements.ts';
import { unsealBytes } from './seal.ts';
import { heldKeyOf, type SyncState } from './state.ts';

/** Where a tenth of all is sound, nine of ten looks find one. */
const SAMPLE = 20;

/**
 * Refuses to judge what nobody can read where it may be the judge whose keys are wrong: it would take
 * from the hub what others have sent, perhaps the only copy.
 *
 * Sure is who opens the lock of the hub and finds there the keys that it has. Who cannot, for want of the
 * passphrase, needs the proof that its keys came out of that lock, and something on the hub that opens.
 *
 * @throws `SyncKeyError`
 */
export async function refuseUnsure({ hub, ring }: Exchange, state: SyncState): Promise<void> {
  if (!ring) return;
  const held = heldKeyOf(state);
  const locked = lockedRing(held);
  if (locked && includesRing(ring, locked)) return;
  if (held.secret === null && isProven(ring, held)) {
    const [rows = []] = await hub.run([sampleStatement(SAMPLE)], 'read');
    if (rows.length === 0 || rows.map(toEntry).some((entry) => opens(ring, entry))) return;
  }
  throw new SyncKeyError(
    'what lies on the hub does not open with the keys of this device, which may be wrong: it takes nothing off',
    'Enable sync again with the key or passphrase of the group. If it is the right one, all that lies on the hub is damaged: put an empty hub in its place, and the devices fill it.',
  );
}

function opens(ring: KeyRing, entry: Entry): boolean {
  try {
    unsealBytes(ring, entry, entry.keyNumber, entry.payload);
    return true;
  } catch (error) {
    if (error instanceof SealError) return false;
    throw error;
  }
}
