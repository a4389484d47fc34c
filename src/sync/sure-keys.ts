import { SealError, SyncKeyError } from '../errors.ts';
import type { Exchange } from './exchange.ts';
import { isProven, lockedRing } from './keys/held-ring.ts';
import { includesRing, type KeyRing } from './keys/key-ring.ts';
import { latestSampleStatement, sampleStatement, toEntry, type Entry } from './pull-statements.ts';
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

/**
 * Refuses to give a hub the lock of this device in the place of an older one that its keys did not come
 * after: of two devices that both made a new key, one on a hub that was lost or restored since. Under our
 * lock nobody could read what was sealed with those, and it would be taken off, perhaps the only copy.
 *
 * @param older - the number of the newest key in that lock
 * @throws `SyncKeyError`
 */
export async function refuseParted({ hub, ring }: Exchange, older: number): Promise<void> {
  if (!ring) return;
  const [rows = []] = await hub.run([latestSampleStatement(SAMPLE, older)], 'read');
  if (rows.length === 0 || rows.map(toEntry).some((entry) => opens(ring, entry))) return;
  throw new SyncKeyError(
    'what lies on the hub was sealed with keys that were made apart from those of this device; nothing is exchanged',
    'Enable sync again with the key of this hub, which "codewhale-store sync key" prints on a device that exchanges with it. If there is none any more, put an empty hub in its place, and the devices fill it.',
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
