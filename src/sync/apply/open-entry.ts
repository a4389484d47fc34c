import { SealError } from '../../errors.ts';
import { IMMUTABLE_TABLES, MUTABLE_TABLES } from '../../model/registers.ts';
import { isOfItsColumns, type ImmutableTable, type MutableTable } from '../../model/table-kinds.ts';
import { clockOf } from '../../model/version.ts';
import { contentHashOf, type Payload } from '../../db/content.ts';
import { latestOf, type HubMeta } from '../hub-meta.ts';
import { hubId, hubRegister } from '../keys/hash-ids.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { PURGED_VERSION } from '../outgoing.ts';
import type { Entry } from '../pull-statements.ts';
import { SCHEMA } from '../schema.ts';
import { unpackText, unsealBytes } from '../seal.ts';
import { isBeyondText, parsePayload } from './shape.ts';
import { isVersionOf, VERSION } from './version-form.ts';

/**
 * `damaged`: nobody can read it, so its version says nothing either; `invalid`: somebody of the group
 * sealed what makes no sense here; `version`: its version is not that of its columns; the others as {@link ParkedEntry} tells.
 */
export type ParkReason = 'schema' | 'key' | 'damaged' | 'invalid' | 'future' | 'version' | 'chunks';

/**
 * Of entries whose version is not believed: nobody can read it, or no right clock stamped it. They hold
 * up no later version, and go to no other hub.
 */
export const UNBELIEVED: readonly ParkReason[] = ['damaged', 'future', 'version'];

/** An entry that this device understands. */
export type Opened =
  | {
      readonly kind: 'register';
      readonly table: MutableTable;
      readonly entry: Entry;
      readonly payload: Payload;
    }
  | {
      readonly kind: 'row' | 'purged';
      readonly table: ImmutableTable;
      readonly entry: Entry;
      readonly payload: Payload;
      readonly contentHash: string;
    }
  | { readonly kind: 'parked'; readonly entry: Entry; readonly reason: ParkReason };

/** Opens an entry and checks it; the hub and the other devices are trusted with nothing. */
export function openEntry(
  ring: KeyRing | null,
  entry: Entry,
  meta: Pick<HubMeta, 'nowMs' | 'floorMs'>,
): Opened {
  const parked = (reason: ParkReason) => ({ kind: 'parked', entry, reason }) as const;
  const mutable = MUTABLE_TABLES.find((table) => table.name === entry.table);
  const immutable = IMMUTABLE_TABLES.find((table) => table.name === entry.table);
  let content: Uint8Array;
  try {
    // First: of what does not open, table, schema and version are as little to be believed.
    content = unsealBytes(ring, entry, entry.keyNumber, entry.payload);
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
    return parked(error.reason === 'key' ? 'key' : 'damaged');
  }
  if (isAhead(entry.version, latestOf(meta))) {
    // The hub takes no such version: somebody has written it there, or its clock was set back since.
    return parked('future');
  }
  if (entry.schema > SCHEMA || (!mutable && !immutable)) return parked('schema');
  try {
    const payload = parsePayload(unpackText(content));
    if (hubId(ring, entry.table, payload.i) !== entry.id) return parked(wrong(ring));
    if (isBeyondText(entry.table, payload)) return parked(wrong(ring));
    if (immutable) return openRow(ring, immutable, entry, payload);
    if (!mutable) return parked('schema');
    return openRegister(ring, mutable, entry, payload);
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
    return parked(wrong(ring));
  }
}

export function isBelieved(one: Opened): boolean {
  return one.kind !== 'parked' || !UNBELIEVED.includes(one.reason);
}

/** What makes no sense: where it is sealed, somebody of the group wrote it so. */
const wrong = (ring: KeyRing | null): ParkReason => (ring ? 'invalid' : 'damaged');

/** Whether a version lies further ahead than is believed, whatever else it says and whoever understands that. */
function isAhead(version: string, latest: number): boolean {
  return VERSION.test(version) && clockOf(version).ms > latest;
}

function openRegister(
  ring: KeyRing | null,
  table: MutableTable,
  entry: Entry,
  payload: Payload,
): Opened {
  const known = Object.hasOwn(table.registers, entry.register);
  if (!known) return { kind: 'parked', entry, reason: 'schema' };
  if (!isVersionOf(table, entry.register, entry.version)) {
    return { kind: 'parked', entry, reason: wrong(ring) };
  }
  if (entry.version !== '' && !isOfItsColumns(table, entry.register, entry.version, payload.c)) {
    return { kind: 'parked', entry, reason: ring ? 'version' : 'damaged' };
  }
  return { kind: 'register', table, entry, payload };
}

function openRow(
  ring: KeyRing | null,
  table: ImmutableTable,
  entry: Entry,
  payload: Payload,
): Opened {
  const { register, version } = entry;
  if (payload.x === 1) {
    // A mark names no content: the register alone says which row of this id is meant.
    const fits = version === PURGED_VERSION;
    return fits
      ? { kind: 'purged', table, entry, payload, contentHash: register }
      : { kind: 'parked', entry, reason: wrong(ring) };
  }
  const contentHash = contentHashOf(table.name, payload);
  if (version !== '' || hubRegister(ring, table.name, contentHash) !== register) {
    return { kind: 'parked', entry, reason: wrong(ring) };
  }
  return { kind: 'row', table, entry, payload, contentHash };
}
