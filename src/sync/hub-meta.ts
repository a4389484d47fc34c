import { AHEAD_MAX_MS } from '../model/version.ts';
import { HubNewerError, HubRefusedError } from '../errors.ts';
import type { Ask, Mark } from './ask.ts';
import { textOf, wholeNumber } from './pull-statements.ts';
import type { Hub, HubRow, HubStatement, HubValue } from './hub/hub.ts';
import { epochOf, isSound } from './places.ts';

/** What this version speaks; a hub with a higher number is refused. */
export const PROTOCOL = 1;
/** How far a version may be ahead of the hub's clock, in milliseconds. */
export const SLACK_MS = 10 * 60_000;
/** The hub's clock in unix milliseconds. */
export const HUB_NOW = `cast(unixepoch('subsec') * 1000 as integer)`;

/**
 * The latest version that was accepted, as the hub tells it. Somebody may have written any there: one
 * that is beyond belief is none.
 *
 * @param meta - how the statement calls `hub_meta`
 */
export const floorOf = (meta: string) =>
  `iif(${meta}.floor_ms between 0 and ${HUB_NOW} + ${AHEAD_MAX_MS}, ${meta}.floor_ms, 0)`;

/** The hub as it stood in one snapshot, seen by one device. */
export interface HubMeta {
  readonly storeId: string;
  readonly epoch: Mark;
  readonly head: Mark;
  /** The hub's clock, unix milliseconds. */
  readonly nowMs: number;
  /** The latest version that the hub or this device knows to be accepted, unix milliseconds. */
  readonly floorMs: number;
  /** Whether the hub was ever in the state that the device remembers. */
  readonly hasPair: boolean;
  /** The last push of this device that the hub took. */
  readonly mine: Mark | null;
  readonly revoked: boolean;
  /** When, by the hub's clock, unix milliseconds. */
  readonly revokedAtMs: number | null;
  /** When this device was here last, by the same clock; 0: it never was. */
  readonly seenAtMs: number;
  readonly keyCheck: string;
  /** Nothing lies above the head. */
  readonly isSound: boolean;
}

/** What of it is shown to the user. */
export interface HubSeen extends Pick<HubMeta, 'head'> {
  /** Its clock minus ours, milliseconds. */
  readonly offsetMs: number;
}

/** The latest version that the hub takes, unix milliseconds. */
export function limitOf(meta: Pick<HubMeta, 'nowMs' | 'floorMs'>): number {
  return Math.max(meta.nowMs + SLACK_MS, meta.floorMs);
}

/** The latest version that is believed where it lies on the hub, unix milliseconds: the hub takes none of its own. */
export function latestOf(meta: Pick<HubMeta, 'nowMs' | 'floorMs'>): number {
  return Math.max(meta.nowMs + AHEAD_MAX_MS, meta.floorMs);
}

/**
 * Short and plain, as every token of a hub is: one that cannot be read as it is written would be missed
 * again and again, and counts as none.
 */
export const IS_TOKEN = `length(cast(token as blob)) between 1 and 64
  and length(token) = length(cast(token as blob)) and token not glob '*[^ -~]*'`;

/** Text of one line, as what devices write of the hub itself is; what else stands there reads as none. */
const plainOf = (column: string, bytesMax: number) =>
  `iif(length(cast(${column} as blob)) <= ${bytesMax}
    and length(${column}) = length(cast(${column} as blob)) and ${column} not glob '*[^ -~]*', ${column}, '')`;

/** @param meta - how the statement calls `hub_meta` */
export const epochTokenOf = (meta: string) => plainOf(`${meta}.epoch_token`, 64);

/** More than the locked keys of any group have. */
const LOCK_BYTES_MAX = 2_000_000;
const lockOf = (meta: string) => plainOf(`${meta}.key_check`, LOCK_BYTES_MAX);

/** What stands in the row of a device may be anything; it then is no push that any device knows. */
const META = `select m.protocol, ${plainOf('m.store_id', 100)}, ${epochOf('m')}, ${epochTokenOf('m')},
    max(0, min(m.head, ${Number.MAX_SAFE_INTEGER})), h.token, ${HUB_NOW},
    max(${floorOf('m')}, ?4), ?2 is null or exists (select 1 from hub_commits where head = ?2 and token = ?3),
    max(0, min(d.push_number, ${Number.MAX_SAFE_INTEGER})),
    substr(cast(d.push_token as blob), 1, 100), iif(d.revoked_at is null, null,
      max(0, min(d.revoked_at, ${Number.MAX_SAFE_INTEGER}))), ${lockOf('m')}, ${isSound('m')},
    max(0, min(coalesce(d.seen_at, 0), ${Number.MAX_SAFE_INTEGER}))
  from hub_meta m
  left join hub_commits h on h.head = m.head and ${IS_TOKEN}
  left join hub_devices d on d.id = ?1`;

const META_COLUMNS = 15;

export function metaStatement(ask: Ask): HubStatement {
  const { device, pair, floorMs } = ask;
  return { sql: META, params: [device, pair?.number ?? null, pair?.token ?? null, floorMs] };
}

/** @throws `HubNewerError`, `HubRefusedError` */
export function readMeta(rows: readonly HubRow[] | undefined): HubMeta {
  const row = rows?.[0];
  if (!row) throw new HubRefusedError('the hub has lost its meta row');
  if (row.length !== META_COLUMNS) {
    throw new HubRefusedError('what came is no answer to what the hub was asked');
  }
  const [protocol, storeId, epoch, epochToken, head, token, nowMs, floorMs, hasPair] = row;
  const [pushNumber, pushToken, revokedAt = null, keyCheck, isSound, seenAt] = row.slice(9);
  if (Number(protocol) > PROTOCOL) {
    throw new HubNewerError(
      `the hub speaks protocol ${Number(protocol)}, this version only up to ${PROTOCOL}`,
    );
  }
  return {
    storeId: String(storeId),
    epoch: { number: wholeNumber(epoch), token: String(epochToken) },
    head: { number: wholeNumber(head), token: typeof token === 'string' ? token : '' },
    nowMs: wholeNumber(nowMs),
    floorMs: wholeNumber(floorMs),
    hasPair: Number(hasPair) === 1,
    mine: markOf(pushNumber, pushToken),
    revoked: revokedAt !== null,
    revokedAtMs: revokedAt === null ? null : Number(revokedAt),
    seenAtMs: Number(seenAt),
    keyCheck: String(keyCheck),
    isSound: Number(isSound) === 1,
  };
}

/** Half a mark is one all the same, that no device made: a push looks at both halves. */
function markOf(number: HubValue = null, token: HubValue = null): Mark | null {
  if (number === null && token === null) return null;
  return { number: Number(number), token: textOf(token) };
}

/** Runs statements after one that reads the meta row, in one snapshot; null: there is no hub yet. */
export async function askHub(
  hub: Hub,
  ask: Ask,
  statements: readonly HubStatement[],
  mode: 'read' | 'write' = 'read',
): Promise<{ meta: HubMeta; answers: HubRow[][] } | null> {
  try {
    const [first, ...answers] = await hub.run([metaStatement(ask), ...statements], mode);
    return { meta: readMeta(first), answers };
  } catch (error) {
    if (error instanceof HubRefusedError && (await isEmpty(hub))) return null;
    throw error;
  }
}

const FIND = `select name from sqlite_master where name = 'hub_meta'`;

/** Whether nobody has founded a hub there, somebody wiped it, or it lost the row that makes it one. */
export async function isEmpty(hub: Hub): Promise<boolean> {
  const [tables] = await hub.run([{ sql: FIND, params: [] }], 'read');
  if (tables?.length === 0) return true;
  const [rows] = await hub.run([{ sql: 'select only from hub_meta', params: [] }], 'read');
  return rows?.length === 0;
}

/**
 * Puts another lock of the keys into the place of one. Of two devices that do it at once only one does.
 *
 * @param storeId - of the group whose keys they are; null: it was not exchanged with yet
 * @returns whether it stands there now: also where it did already, because the request came twice or
 *   another process of this device was quicker
 */
export async function replaceKeyCheck(
  hub: Hub,
  former: string,
  check: string,
  storeId: string | null,
): Promise<boolean> {
  const sql = `update hub_meta set key_check = ?2
    where ${lockOf('hub_meta')} in (?1, ?2) and (?3 is null or store_id = ?3) returning only`;
  const [rows] = await hub.run([{ sql, params: [former, check, storeId] }], 'write');
  return (rows?.length ?? 0) > 0;
}
