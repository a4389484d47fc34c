import type { Ancestors } from '../db/ancestors.ts';
import { EVERY_REGISTER } from '../db/outbox.ts';
import type { Reader } from '../db/reader.ts';
import {
  isOfItsColumns,
  mainRegister,
  type ImmutableTable,
  type MutableTable,
} from '../model/table-kinds.ts';
import { clockOf } from '../model/version.ts';
import {
  contentHashOf,
  payloadOf,
  type BodyRef,
  type Columns,
  type Payload,
} from '../db/content.ts';
import type { UnknownColumns } from '../db/synced-rows.ts';
import { hubId, hubRegister } from './keys/hash-ids.ts';
import type { KeyRing } from './keys/key-ring.ts';
import { chunkId } from './chunks.ts';
import { SCHEMA } from './schema.ts';
import { rootKey, rootOf } from './roots.ts';
import type { Outgoing } from './push-statements.ts';
import { sealPayload } from './seal.ts';

/** The version of an immutable entry whose row was purged: above the empty one of a row. */
export const PURGED_VERSION = '1';

/** An entry that is ready to go, and the body that has to be on the hub before it. */
export interface Ready {
  readonly entry: Outgoing;
  readonly body: BodyRef | undefined;
  /** Where it comes from, for what the hub returns. */
  readonly source: { readonly table: string; readonly rowId: string; readonly register: string };
}

/** What is known of a row besides its columns. */
export interface RowNotes {
  /** The versions that were replaced since the last acknowledgement. */
  readonly bases: readonly string[];
  readonly ancestors: Ancestors;
  readonly unknown: UnknownColumns;
}

/** The entries of a row of a mutable table; `*` for all of its registers. */
export function registerEntries(
  reader: Reader,
  ring: KeyRing | null,
  table: MutableTable,
  row: Columns,
  register: string,
  { bases, ancestors, unknown }: RowNotes,
): Ready[] {
  const registers = register === EVERY_REGISTER ? Object.keys(table.registers) : [register];
  return registers.flatMap((name) => {
    const version = row[`${name}_version`] as string;
    const columns = table.registers[name];
    // An empty version is that of a register that has not come yet; one that is not of its columns came
    // from somebody who forged it, and would be taken off the hub again.
    if (!columns || version === '' || !isOfItsColumns(table, name, version, row)) return [];
    const payload: Payload = {
      ...withRoot(
        reader,
        table.name,
        row,
        payloadOf(reader, table.name, row, columns, unknown.get(name)),
      ),
      ...(name === mainRegister(table) ? { d: row['device'] as string } : {}),
      ...(bases.length > 0 ? { b: bases } : {}),
      ...(ancestors.has(name) ? { a: ancestors.get(name) ?? [] } : {}),
    };
    const one = ready(ring, table.name, name, version, payload, name);
    // With every word of a purge: the pieces of its large bodies are to go.
    const purged = name === 'purge' && row['purged_at'] !== null;
    if (!purged) return [one];
    const sweeps = chunkId(ring, rootKey({ table: table.name, id: payload.i }));
    return [{ ...one, entry: { ...one.entry, sweeps } }];
  });
}

/** A large body lies under the record that it belongs to. */
function withRoot(reader: Reader, table: string, row: Columns, payload: Payload): Payload {
  if (!payload.h) return payload;
  const root = rootOf(reader, table, row) ?? { table, id: payload.i };
  return { ...payload, h: { ...payload.h, root: rootKey(root) } };
}

/** The entry of an immutable row, under the id that it had before another content took it. */
export function rowEntry(
  reader: Reader,
  ring: KeyRing | null,
  table: ImmutableTable,
  row: Columns,
  originalId: string,
  unknown: Columns | undefined,
): Ready {
  const own = { ...row, id: originalId };
  const payload: Payload = {
    ...withRoot(
      reader,
      table.name,
      own,
      payloadOf(reader, table.name, own, table.columns, unknown),
    ),
    d: row['device'] as string,
  };
  const hash = contentHashOf(table.name, payload);
  return ready(ring, table.name, hubRegister(ring, table.name, hash), '', payload, hash);
}

/** The mark that an immutable row was purged. */
export function purgeEntry(
  ring: KeyRing | null,
  table: string,
  id: string,
  contentHash: string,
): Ready {
  const payload: Payload = { i: id, c: {}, x: 1 };
  const register = hubRegister(ring, table, contentHash);
  return ready(ring, table, register, PURGED_VERSION, payload, contentHash);
}

function ready(
  ring: KeyRing | null,
  table: string,
  register: string,
  version: string,
  payload: Payload,
  sourceRegister: string,
): Ready {
  const key = { table, id: hubId(ring, table, payload.i), register, version };
  const { keyNumber, bytes } = sealPayload(ring, key, JSON.stringify(payload));
  const ms = version === '' || version === PURGED_VERSION ? null : clockOf(version).ms;
  return {
    entry: { ...key, ms, keyNumber, schema: SCHEMA, payload: bytes },
    body: payload.h,
    source: { table, rowId: payload.i, register: sourceRegister },
  };
}
