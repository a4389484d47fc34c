import { chunkCount, chunkId, chunkRegister } from '../../src/sync/chunks.ts';
import type { BodyRef } from '../../src/db/content.ts';
import { unpackText, unsealBytes } from '../../src/sync/seal.ts';
import { parseKeyRing, type KeyRing } from '../../src/sync/keys/key-ring.ts';
import { IMMUTABLE_TABLES, MUTABLE_TABLES } from '../../src/model/registers.ts';
import type { Device } from './device.ts';
import { digestOf, canonical, type Cell } from './canonical.ts';
import { rowKey, type Columns, type Probe } from './probe.ts';

/** An entry as whoever has the key reads it. */
export interface OpenedEntry {
  readonly kind: 'register' | 'row' | 'purged';
  /** Of a register: table, id, register. Of a row: what it is. */
  readonly key: string;
  readonly version: string;
  readonly content: string;
  readonly text: string;
  /** The keys that opened it; null for none. */
  readonly ring: KeyRing | null;
  /** Its body, where that lies in pieces beside it. */
  readonly body: BodyRef | undefined;
}

interface Payload {
  readonly i: string;
  readonly c: Columns;
  readonly t?: string;
  readonly h?: BodyRef;
  readonly d?: string;
  readonly x?: 1;
}

export function ringsOf(devices: readonly Device[]): (KeyRing | null)[] {
  const texts = devices.map((d) => d.probe.text('select key_ring from sync_state'));
  return [null, ...[...new Set(texts)].filter((text) => text !== '').map(parseKeyRing)];
}

const COLUMNS = 'table_name, ID, register, version, key_number, payload';

/** The entries of the hub, or those that a device has parked; pieces of bodies are left out. */
export function openEntries(
  probe: Probe,
  from: 'hub_entries' | 'parked',
  rings: readonly (KeyRing | null)[],
): OpenedEntry[] {
  const columns = COLUMNS.replace('ID', from === 'parked' ? 'hub_id' : 'id');
  const rows = probe.rows(`select ${columns} from ${from} where table_name <> 'chunks'`);
  return rows.flatMap((row) => openOne(row, rings) ?? []);
}

function openOne(
  row: readonly (Cell | Uint8Array)[],
  rings: readonly (KeyRing | null)[],
): OpenedEntry | undefined {
  const [table, id, register, version] = row as [string, string, string, string];
  const opened = open(
    rings,
    { table, id, register, version },
    Number(row[4]),
    row[5] as Uint8Array,
  );
  if (!opened) return undefined;
  const { text, ring } = opened;
  const payload = JSON.parse(text) as Payload;
  const body = payload.h?.hash ?? (payload.t === undefined ? null : digestOf(payload.t));
  const columns = Object.entries(payload.c);
  const immutable = IMMUTABLE_TABLES.find(({ name }) => name === table);
  if (!immutable) {
    const names = MUTABLE_TABLES.find(({ name }) => name === table)?.registers[register];
    const content = canonical(columns, names?.includes('body_hash') ? body : null);
    const key = `${table}|${payload.i}|${register}`;
    return { kind: 'register', key, version, content, text, ring, body: payload.h };
  }
  const kind = payload.x === 1 ? 'purged' : 'row';
  const held = { ...payload.c, body_hash: body ?? digestOf('null') };
  const key = rowKey(table, payload.i, payload.d ?? '', immutable.columns, held);
  return {
    kind,
    key: kind === 'row' ? key : payload.i,
    version,
    content: key,
    text,
    ring,
    body: payload.h,
  };
}

function open(
  rings: readonly (KeyRing | null)[],
  entry: { table: string; id: string; register: string; version: string },
  keyNumber: number,
  payload: Uint8Array,
): { text: string; ring: KeyRing | null } | undefined {
  for (const ring of rings) {
    if ((ring === null) !== (keyNumber === 0)) continue;
    try {
      return { text: unpackText(unsealBytes(ring, entry, keyNumber, payload)), ring };
    } catch {
      // Another ring may open it.
    }
  }
  return undefined;
}

/** Under what the pieces of an entry's body lie on the hub: id and register of each. */
export function piecesOf({ ring, body }: OpenedEntry): [string, string][] {
  if (!body) return [];
  const id = chunkId(ring, body.root ?? '');
  return Array.from({ length: chunkCount(body) }, (_, position) => [
    id,
    chunkRegister(ring, body, position),
  ]);
}
