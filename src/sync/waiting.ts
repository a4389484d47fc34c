import type { Reader } from '../db/reader.ts';
import { EVERY_REGISTER } from '../db/outbox.ts';
import { rowsById } from '../db/synced-rows.ts';
import { MUTABLE_TABLES } from '../model/registers.ts';
import { REMOVED, UNBELIEVED_SQL } from './apply/park.ts';
import { keyOf } from './gathering.ts';
import { hubId } from './keys/hash-ids.ts';
import type { KeyRing } from './keys/key-ring.ts';

/** What identifies an entry, and its version. */
interface Versioned {
  readonly table: string;
  readonly id: string;
  readonly register: string;
  readonly version: string;
}

/** What of this device has to wait for something that is parked. */
export interface Waiting {
  has(entry: Versioned): boolean;
  /** Whether the hub lacks it, as far as can be told: it is not an earlier version that will be replaced. */
  isUnsent(entry: Versioned): boolean;
}

/**
 * A local edit of a register with a parked entry waits with it: what that says has to be known first.
 * It does not wait for a body that may never be whole, nor for what was taken off the hub; of what
 * nobody can make sense of only the version counts, which the hub compares by.
 */
export function readWaiting(reader: Reader): Waiting {
  const rows = reader.rows(
    `select table_name, hub_id, register, version, reason in ('invalid', ${UNBELIEVED_SQL})
     from parked where reason not in ('chunks', '${REMOVED}')`,
  );
  const parked = new Map(
    rows.map(([table, id, register, version, senseless]) => [
      keyOf(table as string, id as string, register as string),
      { version: version as string, senseless: senseless === 1 },
    ]),
  );
  const before = ({ table, id, register }: Versioned) => parked.get(keyOf(table, id, register));
  return {
    has(entry) {
      const one = before(entry);
      return one !== undefined && !(one.senseless && entry.version > one.version);
    },
    isUnsent(entry) {
      const one = before(entry);
      return one !== undefined && (one.senseless || entry.version > one.version);
    },
  };
}

/** Notes that are looked at for {@link countWaiting}. */
const NOTES_MAX = 2000;

/** How many edits of this device wait for something that is parked. */
export function countWaiting(reader: Reader, ring: KeyRing | null): number {
  if (reader.number('select exists (select 1 from parked)') === 0) return 0;
  const waiting = readWaiting(reader);
  const notes = reader.rows(
    `select table_name, row_id, register from outbox where stuck is null order by number limit ?`,
    [NOTES_MAX],
  );
  return notes.filter(([name, rowId, register]) => {
    const table = MUTABLE_TABLES.find((one) => one.name === name);
    const row = table && rowsById(reader, table, [rowId as string]).get(rowId as string);
    if (!table || !row) return false;
    const registers =
      register === EVERY_REGISTER ? Object.keys(table.registers) : [register as string];
    const id = hubId(ring, table.name, rowId as string);
    return registers.some((one) =>
      waiting.has({ table: table.name, id, register: one, version: String(row[`${one}_version`]) }),
    );
  }).length;
}
