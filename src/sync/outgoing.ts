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
import { DamagedStoreError } from '../errors.ts';
import { isTakenElsewhere } from './apply/shape.ts';
import { isVersionOf } from './apply/version-form.ts';
import { hubId, hubRegister } from './keys/hash-ids.ts';
import type { KeyRing } from './keys/key-ring.ts';
import { chunkId } from './chunks.ts';
import { SCHEMA } from './schema.ts';
import { rootKey, rootOf } from './roots.ts';
import type { Outgoing } from './push-statements.ts';
import { CONTENT_BYTES_MAX, sealPayload } from './seal.ts';

/** The version of an immutable entry whose row was purged: above the empty one of a row. */
export const PURGED_VERSION = '1';

/** An entry that is ready to go, and the body that has to be on the hub before it. */
export interface Ready {
  readonly entry: Outgoing;
  readonly body: BodyRef | undefined;
  /** Where it comes from, for what the hub returns. */
  readonly source: { readonly table: string; readonly rowId: string; readonly register: string };
}

/**
 * Why something does not go: it is too large for the hub, even alone; the hub refuses it; no device
 * would take it; it cannot be read here in whole.
 */
export type Refusal = 'size' | 'refused' | 'invalid' | 'damaged';

/** What does not go, and keeps nothing else from going. */
export interface Refused {
  readonly source: Ready['source'];
  readonly reason: Refusal;
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
): (Ready | Refused)[] {
  const registers = register === EVERY_REGISTER ? Object.keys(table.registers) : [register];
  return registers.flatMap((name) => {
    const version = row[`${name}_version`] as string;
    const columns = table.registers[name];
    // An empty version is that of a register that has not come yet.
    if (!columns || version === '') return [];
    const source = { table: table.name, rowId: row['id'] as string, register: name };
    // Somebody may have forged what is here: it would be taken off the hub again.
    if (!isVersionOf(table, name, version) || !isOfItsColumns(table, name, version, row)) {
      return [{ source, reason: 'invalid' }];
    }
    const held = readPayload(reader, table.name, row, columns, unknown.get(name));
    if (!held) return [{ source, reason: 'damaged' }];
    const payload: Payload = {
      ...held,
      ...(name === mainRegister(table) ? { d: row['device'] as string } : {}),
      ...(bases.length > 0 ? { b: bases } : {}),
      ...(ancestors.has(name) ? { a: ancestors.get(name) ?? [] } : {}),
    };
    const one = ready(ring, source, name, version, payload);
    // With every word of a purge: the pieces of its large bodies are to go.
    const purged = name === 'purge' && row['purged_at'] !== null;
    if (!purged || 'reason' in one) return [one];
    const sweeps = chunkId(ring, rootKey({ table: table.name, id: payload.i }));
    return [{ ...one, entry: { ...one.entry, sweeps } }];
  });
}

/** What a row holds; undefined where it is not here in whole. */
function readPayload(
  reader: Reader,
  table: string,
  row: Columns,
  names: readonly string[],
  unknown: Columns | undefined,
): Payload | undefined {
  try {
    return withRoot(reader, table, row, payloadOf(reader, table, row, names, unknown));
  } catch (error) {
    if (!(error instanceof DamagedStoreError)) throw error;
    return undefined;
  }
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
): Ready | Refused {
  const own = { ...row, id: originalId };
  const source = { table: table.name, rowId: originalId, register: '' };
  const held = readPayload(reader, table.name, own, table.columns, unknown);
  if (!held) return { source, reason: 'damaged' };
  const payload: Payload = { ...held, d: row['device'] as string };
  const register = contentHashOf(table.name, payload);
  const name = hubRegister(ring, table.name, register);
  return ready(ring, { ...source, register }, name, '', payload);
}

/** The mark that an immutable row was purged. */
export function purgeEntry(
  ring: KeyRing | null,
  table: string,
  id: string,
  contentHash: string,
): Ready | Refused {
  const payload: Payload = { i: id, c: {}, x: 1 };
  const source = { table, rowId: id, register: contentHash };
  const register = hubRegister(ring, table, contentHash);
  return ready(ring, source, register, PURGED_VERSION, payload);
}

/** @param register - as on the hub */
function ready(
  ring: KeyRing | null,
  source: Ready['source'],
  register: string,
  version: string,
  payload: Payload,
): Ready | Refused {
  const { table } = source;
  // What they would set aside, or take off the hub as written by nobody of the group.
  if (!isTakenElsewhere(table, payload)) return { source, reason: 'invalid' };
  const json = JSON.stringify(payload);
  if (json.length > CONTENT_BYTES_MAX / 3 && Buffer.byteLength(json) > CONTENT_BYTES_MAX) {
    return { source, reason: 'size' };
  }
  const key = { table, id: hubId(ring, table, payload.i), register, version };
  const { keyNumber, bytes } = sealPayload(ring, key, json);
  const ms = version === '' || version === PURGED_VERSION ? null : clockOf(version).ms;
  return {
    entry: { ...key, ms, keyNumber, schema: SCHEMA, payload: bytes },
    body: payload.h,
    source,
  };
}
