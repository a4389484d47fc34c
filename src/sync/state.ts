import type { Reader } from '../db/reader.ts';
import type { Transaction } from '../db/transaction.ts';
import { SyncOffError } from '../errors.ts';
import { AHEAD_MAX_MS, type Clock } from '../model/version.ts';
import type { Ask, Mark } from './ask.ts';
import type { HeldKey } from './keys/held-ring.ts';
import { likelyEpoch } from './places.ts';

export const PULL_MODES = ['auto', 'replica', 'http'] as const;
export type PullMode = (typeof PULL_MODES)[number];

/** What this device knows of the hub; one row of the store. */
export interface SyncState extends Ask {
  readonly enabled: boolean;
  readonly url: string;
  readonly tokenFile: string | null;
  readonly pull: PullMode;
  readonly deviceName: string;
  /** The keys of the group, the secret that locks them, and the lock on the hub, as JSON. */
  readonly keyRing: string | null;
  readonly keySecret: string | null;
  readonly keyCheck: string | null;
  readonly floor: Clock;
  readonly round: number;
  readonly copied: boolean;
  readonly refused: boolean;
}

const COLUMNS = [
  'enabled',
  'url',
  'token_file',
  'pull',
  'device_name',
  'key_ring',
  'key_secret',
  'key_check',
  'store_id',
  'epoch',
  'epoch_token',
  'cursor',
  'pair_head',
  'pair_token',
  'acked_number',
  'acked_token',
  'sent_number',
  'sent_token',
  'floor_ms',
  'floor_counter',
  'round',
  'copied',
  'refused',
] as const;

type StateRow = Readonly<Record<(typeof COLUMNS)[number], string | number | null>>;

/** The state, or undefined where sync was never turned on. */
export function findState(reader: Reader): SyncState | undefined {
  const row = reader.first<StateRow>(COLUMNS, 'from sync_state where only = 1');
  if (!row) return undefined;
  const device = reader.rows('select id from device')[0]?.[0];
  return {
    device: String(device),
    enabled: row.enabled === 1,
    url: String(row.url),
    tokenFile: row.token_file as string | null,
    pull: row.pull as PullMode,
    deviceName: String(row.device_name),
    keyRing: row.key_ring as string | null,
    keySecret: row.key_secret as string | null,
    keyCheck: row.key_check as string | null,
    storeId: row.store_id as string | null,
    epoch: { number: likelyEpoch(Number(row.epoch)), token: String(row.epoch_token) },
    cursor: Number(row.cursor),
    pair: markOf(row.pair_head, row.pair_token),
    acked: markOf(row.acked_number, row.acked_token),
    sent: markOf(row.sent_number, row.sent_token),
    floorMs: Number(row.floor_ms),
    floor: { ms: Number(row.floor_ms), counter: Number(row.floor_counter) },
    round: Number(row.round),
    copied: row.copied === 1,
    refused: row.refused === 1,
  };
}

export function heldKeyOf(state: SyncState | undefined): HeldKey {
  const { keyRing = null, keySecret = null, keyCheck = null } = state ?? {};
  return { ring: keyRing, secret: keySecret, check: keyCheck };
}

/** @throws `SyncOffError` */
export function needState(reader: Reader): SyncState {
  const state = findState(reader);
  if (!state?.enabled) throw new SyncOffError('sync is off for this store');
  return state;
}

function markOf(number: string | number | null, token: string | number | null): Mark | null {
  return number === null ? null : { number: Number(number), token: String(token) };
}

export function savePair(transaction: Transaction, pair: Mark): void {
  transaction.run('update sync_state set pair_head = ?, pair_token = ?', [pair.number, pair.token]);
}

export function saveCursor(transaction: Transaction, cursor: number): void {
  transaction.run('update sync_state set cursor = ?', [cursor]);
}

export function saveAcked(transaction: Transaction, acked: Mark | null): void {
  transaction.run('update sync_state set acked_number = ?, acked_token = ?', [
    acked?.number ?? null,
    acked?.token ?? null,
  ]);
}

export function saveSent(transaction: Transaction, sent: Mark | null): void {
  transaction.run('update sync_state set sent_number = ?, sent_token = ?', [
    sent?.number ?? null,
    sent?.token ?? null,
  ]);
}

/**
 * The latest version known to be accepted. None where it lies beyond belief, by this device's clock: a
 * former version of this program took what the hub said of it for true.
 */
export function knownFloor({ floor }: Pick<SyncState, 'floor'>, now: number): Clock {
  return floor.ms <= now + AHEAD_MAX_MS ? floor : { ms: 0, counter: 0 };
}

/** The latest version known to be accepted only rises. */
export function raiseFloor(transaction: Transaction, clock: Clock): void {
  transaction.run(
    `update sync_state set floor_ms = ?1, floor_counter = ?2
     where floor_ms < ?1 or (floor_ms = ?1 and floor_counter < ?2)`,
    [clock.ms, clock.counter],
  );
}
