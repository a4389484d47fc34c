import type { Reader } from '../db/reader.ts';
import { IMMUTABLE_TABLES, MUTABLE_TABLES } from '../model/registers.ts';
import { formatTime } from '../model/time.ts';
import { shown } from './devices.ts';
import { findLeftWork } from './left-work.ts';
import { soundRing } from './keys/group-key.ts';
import { machineId } from './machine.ts';
import { findState, heldKeyOf, type SyncState } from './state.ts';
import { countWaiting } from './waiting.ts';

/**
 * Why the last exchange failed, and what can be done about it. `DEVICE_COPIED` is no failure: work was left
 * with a device that this store was before it was copied or restored, and that was not heard of since.
 */
export interface SyncFailure {
  code: string;
  message: string;
  hint: string;
  retryable: boolean;
  /** RFC 3339. */
  at: string;
}

/** A device as the list that was read last has it; see `readDevices`. */
export interface ListedDevice {
  id: string;
  name: string;
  platform: string;
  seenAt: string;
  revokedAt: string | null;
}

export interface SyncDevice extends ListedDevice {
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
  /** How many of them wait for something that is set aside: what that says has to be known first. */
  waitingRows: number;
  /** Of what was written here since the hub was reached first; null where nothing of that waits. */
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
  readonly hub_head: number | null;
  readonly clock_offset_ms: number | null;
  readonly synced_at: number | null;
  readonly error: string | null;
}

/** How sync stands, whichever process does it. */
export function readStatus(reader: Reader, now: number): SyncStatus {
  const state = findState(reader);
  const deviceId = String(reader.rows('select id from device')[0]?.[0]);
  const row = reader.first<StatusRow>(
    ['hub_head', 'clock_offset_ms', 'synced_at', 'error'],
    'from sync_status where only = 1',
  );
  const known = listedDevices(reader);
  const clockOffsetMs = row?.clock_offset_ms ?? null;
  const error = row?.error ? (JSON.parse(row.error) as SyncFailure) : null;
  const left = () => findLeftWork(reader, deviceId, known, clockOffsetMs ?? 0);
  return {
    enabled: state?.enabled ?? false,
    url: state?.url ?? null,
    deviceId,
    deviceName: state?.deviceName ?? null,
    encrypted: state?.keyRing != null,
    pull: state?.pull ?? null,
    leader: findLeader(reader, now),
    ...pending(reader, state),
    cursor: state?.cursor ?? 0,
    hubSeq: row?.hub_head ?? null,
    clockOffsetMs,
    lastSyncAt: formatTime(row?.synced_at ?? null),
    lastError: error ?? (state?.enabled ? left() : null),
    parked: countParked(reader),
    conflicts: reader.number('select count(*) from conflicts'),
    devices: shown(known).map((device) => ({ ...device, self: device.id === deviceId })),
  };
}

/**
 * Which process exchanges with the hub; null: none. A store that was copied or restored holds the lease
 * of a process of its former machine, which is none here.
 */
export function findLeader(reader: Reader, now: number): string | null {
  const [leader, machine] =
    reader.rows('select s.leader, d.machine from sync_status s, device d where s.lease_until > ?', [
      now,
    ])[0] ?? [];
  return typeof leader === 'string' && machine === machineId() ? leader : null;
}

/** The devices of the group as they were read last, the forgotten ones among them. */
export function listedDevices(reader: Reader): ListedDevice[] {
  const [devices] = reader.rows('select devices from sync_status')[0] ?? [];
  return typeof devices === 'string' ? (JSON.parse(devices) as ListedDevice[]) : [];
}

export function countParked(reader: Reader): number {
  return reader.number(
    `select (select count(*) from parked) + (select count(*) from outbox where stuck is not null)`,
  );
}

type Pending = Pick<SyncStatus, 'pendingRows' | 'pendingBytes' | 'waitingRows' | 'oldestPendingAt'>;

const NOTHING: Pending = { pendingRows: 0, pendingBytes: 0, waitingRows: 0, oldestPendingAt: null };

function pending(reader: Reader, state: SyncState | undefined): Pending {
  if (!state?.enabled) return NOTHING;
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
  const ring = soundRing(heldKeyOf(state));
  return {
    pendingRows: rows,
    pendingBytes: bytes,
    waitingRows: countWaiting(reader, ring),
    oldestPendingAt: formatTime(at),
  };
}

function hasBody(registers: Readonly<Record<string, readonly string[]>>): boolean {
  return Object.values(registers).some((columns) => columns.includes('body'));
}

/** About what a small register takes besides its body, in bytes. */
const ROW_BYTES = 120;
/** Of bytes the header of a row tells: the text is not read, as it would be to count characters. */
const BODY_BYTES = `coalesce(octet_length(t.body), (select size from blobs where hash = t.body_hash), 0)`;

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

/** What is imported or offered anew did not begin to wait when it was made, so its age counts not. */
function unsent(reader: Reader, table: string, round: number): [number, number, number | null] {
  const row = reader.rows(
    `select count(*), coalesce(sum(${ROW_BYTES} + ${BODY_BYTES}), 0),
       min(iif(device = (select id from device) and number > coalesce(
         (select until_number from sync_scans where table_name = ?1), 0), created_at, null))
     from ${table} t
     where number > coalesce((select after_number from sync_scans where table_name = ?1), 0)
       and pulled <> ?2`,
    [table, round],
  )[0];
  const first = row?.[2];
  return [
    Number(row?.[0]),
    Number(row?.[1]),
    first === null || first === undefined ? null : Number(first),
  ];
}
