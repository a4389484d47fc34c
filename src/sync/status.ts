import type { Reader } from '../db/reader.ts';
import { IMMUTABLE_TABLES, MUTABLE_TABLES } from '../model/registers.ts';
import { formatTime } from '../model/time.ts';
import { findState, type SyncState } from './state.ts';

/** Why the last exchange failed, and what can be done about it. */
export interface SyncFailure {
  code: string;
  message: string;
  hint: string;
  retryable: boolean;
  /** RFC 3339. */
  at: string;
}

export interface SyncDevice {
  id: string;
  name: string;
  platform: string;
  seenAt: string;
  revokedAt: string | null;
  /** True for the device that is asked. */
  self: boolean;
}

export interface SyncStatus {
  enabled: boolean;
  url: string | null;
  deviceId: string;
  deviceName: string | null;
  encrypted: boolean;
  pull: string | null;
  /** Which process exchanges with the hub at the moment; null: none. */
  leader: string | null;
  /** Registers and rows that the hub has not acknowledged, and about how many bytes they are. */
  pendingRows: number;
  pendingBytes: number;
  oldestPendingAt: string | null;
  /** How far the hub was read, and how far it is. */
  cursor: number;
  hubSeq: number | null;
  /** The hub's clock minus ours. */
  clockOffsetMs: number | null;
  lastSyncAt: string | null;
  lastError: SyncFailure | null;
  /** What was received and cannot be applied, and what cannot be sent. */
  parked: number;
  conflicts: number;
  devices: SyncDevice[];
}

interface StatusRow {
  readonly leader: string | null;
  readonly lease_until: number;
  readonly hub_head: number | null;
  readonly clock_offset_ms: number | null;
  readonly synced_at: number | null;
  readonly error: string | null;
  readonly devices: string;
}

/** How sync stands, whichever process does it. */
export function readStatus(reader: Reader, now: number): SyncStatus {
  const state = findState(reader);
  const deviceId = String(reader.rows('select id from device')[0]?.[0]);
  const row = reader.first<StatusRow>(
    ['leader', 'lease_until', 'hub_head', 'clock_offset_ms', 'synced_at', 'error', 'devices'],
    'from sync_status where only = 1',
  );
  const devices = JSON.parse(row?.devices ?? '[]') as Omit<SyncDevice, 'self'>[];
  return {
    enabled: state?.enabled ?? false,
    url: state?.url ?? null,
    deviceId,
    deviceName: state?.deviceName ?? null,
    encrypted: state?.keyRing != null,
    pull: state?.pull ?? null,
    leader: row && row.lease_until > now ? row.leader : null,
    ...pending(reader, state),
    cursor: state?.cursor ?? 0,
    hubSeq: row?.hub_head ?? null,
    clockOffsetMs: row?.clock_offset_ms ?? null,
    lastSyncAt: formatTime(row?.synced_at ?? null),
    lastError: row?.error ? (JSON.parse(row.error) as SyncFailure) : null,
    parked: countParked(reader),
    conflicts: reader.number('select count(*) from conflicts'),
    devices: devices.map((device) => ({ ...device, self: device.id === deviceId })),
  };
}

export function countParked(reader: Reader): number {
  return reader.number(
    `select (select count(*) from parked) + (select count(*) from outbox where stuck is not null)`,
  );
}

type Pending = Pick<SyncStatus, 'pendingRows' | 'pendingBytes' | 'oldestPendingAt'>;

function pending(reader: Reader, state: SyncState | undefined): Pending {
  if (!state?.enabled) return { pendingRows: 0, pendingBytes: 0, oldestPendingAt: null };
  let rows = reader.number('select count(*) from outbox where stuck is null');
  let bytes = 0;
  for (const table of MUTABLE_TABLES) {
    bytes += noted(reader, table.name, hasBody(table.registers));
    rows += offered(reader, table.name);
  }
  let oldest = reader.rows('select min(noted_at) from outbox where stuck is null')[0]?.[0] ?? null;
  for (const { name } of IMMUTABLE_TABLES) {
    const [count, size, first] = unsent(reader, name, state.round);
    rows += count;
    bytes += size;
    if (first !== null && (oldest === null || first < Number(oldest))) oldest = first;
  }
  const at = oldest === null ? null : Number(oldest);
  return { pendingRows: rows, pendingBytes: bytes, oldestPendingAt: formatTime(at) };
}

function hasBody(registers: Readonly<Record<string, readonly string[]>>): boolean {
  return Object.values(registers).some((columns) => columns.includes('body'));
}

/** About what a small register takes besides its body, in bytes. */
const ROW_BYTES = 120;
const BODY_BYTES = `coalesce(length(t.body), (select size from blobs where hash = t.body_hash), 0)`;

function noted(reader: Reader, table: string, body: boolean): number {
  return reader.number(
    `select coalesce(sum(${ROW_BYTES} + ${body ? BODY_BYTES : '0'}), 0)
     from outbox o join ${table} t on t.id = o.row_id where o.table_name = ? and o.stuck is null`,
    [table],
  );
}

/** Rows of a mutable table that were not offered yet. */
function offered(reader: Reader, table: string): number {
  return reader.number(
    `select count(*) from ${table} where id > (
       select after_id from sync_scans where table_name = ? and after_id is not null)`,
    [table],
  );
}

function unsent(reader: Reader, table: string, round: number): [number, number, number | null] {
  const row = reader.rows(
    `select count(*), coalesce(sum(${ROW_BYTES} + ${BODY_BYTES}), 0), min(created_at) from ${table} t
     where number > coalesce((select after_number from sync_scans where table_name = ?), 0)
       and pulled <> ?`,
    [table, round],
  )[0];
  const first = row?.[2];
  return [
    Number(row?.[0]),
    Number(row?.[1]),
    first === null || first === undefined ? null : Number(first),
  ];
}
