import { HubAccessError, HubRefusedError, HubTooLargeError, SealError } from '../errors.ts';
import { AHEAD_MAX_MS, clockOf } from '../model/version.ts';
import type { Tally } from './apply/apply-entries.ts';
import { isBelieved, openEntry } from './apply/open-entry.ts';
import { markRemoved } from './apply/park.ts';
import type { Mark } from './ask.ts';
import { CHUNK_TABLE } from './chunks.ts';
import type { Exchange } from './exchange.ts';
import { groundOf, IS_GROUND } from './ground.ts';
import { clockHex, hexOf } from '../db/version-clock.ts';
import { isEmpty, type HubMeta } from './hub-meta.ts';
import type { HubStatement } from './hub/hub.ts';
import { NO_KEYS } from './keys/group-key.ts';
import type { KeyRing } from './keys/key-ring.ts';
import { parseKeyCheck } from './keys/lock.ts';
import { epochOf } from './places.ts';
import { replaceParked } from './lost-entries.ts';
import { entriesStatement, toEntry, wholeNumber, type Entry } from './pull-statements.ts';
import { textOf, type Suspect } from './repairs.ts';
import { openBytes } from './seal.ts';
import { needState } from './state.ts';
import { refuseUnsure } from './sure-keys.ts';

/** Entries that are looked at again at once, and taken off in one transaction. */
const PORTION = 200;

/** The hub as it was found, and the keys that its lock stands for. */
interface Ground {
  readonly device: string;
  readonly meta: HubMeta;
  readonly ring: KeyRing | null;
  /** The newest key that anybody can have; undefined where the lock does not tell. */
  readonly newest: number | undefined;
  /** The latest version that this device's clock lets it believe, unix milliseconds. */
  readonly latestMs: number;
}

/**
 * Takes entries off the hub that nobody can read: damaged there, or written by somebody without the
 * key. Its version is part of what is sealed, so it says nothing. And those whose version no right clock
 * stamped. While such an entry lies there, no good one of its register can take its place, and nobody
 * sends one. Where something was taken off, the
 * hub lost it, and what then helps is what helps whenever a hub lost something: a new epoch.
 *
 * To be called with everything read. What is parked was perhaps read from a copy: each entry is looked
 * at again as it stands on the hub now, and that very entry is taken off.
 *
 * @returns true: the hub is another one now, pull again
 * @throws `SyncKeyError` it may be the keys of this device that are wrong: nothing is taken off
 */
export async function takeOffUnreadable(
  exchange: Exchange,
  meta: HubMeta,
  tally: Tally,
): Promise<boolean> {
  const { memory, ring } = exchange;
  const state = await exchange.database.read(needState);
  const { device, keyCheck } = state;
  // Another process of this device has taken other keys meanwhile.
  if (keyCheck !== meta.keyCheck || exchange.lock !== keyCheck) return false;
  const latestMs = exchange.now() + AHEAD_MAX_MS;
  const ground = { device, meta, ring, newest: newestOf(ring, keyCheck), latestMs };
  let epoch = meta.epoch;
  let suspects = await nextSuspects(exchange, ground, 0);
  if (suspects.length === 0) {
    memory.repairs.wait(false);
    return false;
  }
  if (memory.repairs.isPausing) {
    memory.repairs.wait(true);
    return false;
  }
  await refuseUnsure(exchange, state);
  try {
    while (suspects.length > 0) {
      const now = { ...ground, meta: { ...meta, epoch } };
      const raised = await takeOffSome(exchange, now, suspects, tally);
      if (!raised) return true;
      epoch = raised;
      suspects = await nextSuspects(exchange, ground, suspects.at(-1)?.at ?? Infinity);
    }
  } catch (error) {
    // A token that may only read: another device does it.
    if (error instanceof HubAccessError) memory.repairs.wait(true);
    else if (!(error instanceof HubRefusedError && (await isEmpty(exchange.hub)))) throw error;
    return !(error instanceof HubAccessError);
  }
  return epoch !== meta.epoch;
}

/** A key above the newest nobody has, while the lock of the hub is that of our keys. */
function newestOf(ring: KeyRing | null, keyCheck: string): number | undefined {
  const ours = ring?.newest ?? 0;
  const number = keyCheck === NO_KEYS ? 0 : parseKeyCheck(keyCheck).number;
  return number === ours ? ours : undefined;
}

/** @param after - when the last one was parked that was looked at; what comes last are pieces of bodies */
async function nextSuspects(
  { database, memory }: Exchange,
  { newest, latestMs }: Ground,
  after: number,
): Promise<readonly Suspect[]> {
  if (after === Infinity) return [];
  const rows = await database.read((reader) =>
    reader.rows(
      `select table_name, hub_id, register, parked_at from parked
       where parked_at > ?3 and (reason in ('damaged', 'version')
         or (reason = 'key' and key_number > ?1) or (reason = 'future' and ${clockHex('version')} > ?4))
       order by parked_at limit ?2`,
      [newest ?? Number.MAX_SAFE_INTEGER, PORTION, after, hexOf(latestMs)],
    ),
  );
  if (rows.length === 0) return [...memory.spoiltPieces.values()].slice(0, PORTION);
  return rows.map(([table, id, register, at]) => ({
    table: table as string,
    id: id as string,
    register: register as string,
    at: Number(at),
  }));
}

/**
 * @returns the epoch of the hub, which is another one where something was taken off; undefined where it
 *   is not the hub any more that was read
 */
async function takeOffSome(
  exchange: Exchange,
  ground: Ground,
  suspects: readonly Suspect[],
  tally: Tally,
): Promise<Mark | undefined> {
  try {
    return await takeOffPortion(exchange, ground, suspects, tally);
  } catch (error) {
    if (!(error instanceof HubTooLargeError) || suspects.length === 1) throw error;
    const half = Math.ceil(suspects.length / 2);
    const epoch = await takeOffSome(exchange, ground, suspects.slice(0, half), tally);
    if (!epoch) return undefined;
    const next = { ...ground, meta: { ...ground.meta, epoch } };
    return takeOffSome(exchange, next, suspects.slice(half), tally);
  }
}

async function takeOffPortion(
  exchange: Exchange,
  ground: Ground,
  suspects: readonly Suspect[],
  tally: Tally,
): Promise<Mark | undefined> {
  const { hub, memory } = exchange;
  const keys = suspects.map(({ table, id, register }) => [table, id, register]);
  const [rows = []] = await hub.run([entriesStatement(keys)], 'read');
  const entries = rows.map(toEntry);
  const wrong = new Set(suspects.filter(({ isWrong }) => isWrong).map(textOf));
  const unreadable = entries.filter(
    (entry) => wrong.has(textOf(entry)) || !isReadable(ground, entry),
  );
  const readable = entries.filter((entry) => !unreadable.includes(entry));
  let { epoch } = ground.meta;
  const taken = new Set<number>();
  if (unreadable.length > 0) {
    const [holds, removed = [], raised] = await hub.run(removal(ground, unreadable), 'write');
    if (holds?.length !== 1) return undefined;
    for (const [seq] of removed) taken.add(Number(seq));
    memory.repairs.took(taken.size);
    const [number, token] = raised?.[0] ?? [];
    if (number !== undefined) epoch = { number: wholeNumber(number), token: String(token) };
  }
  const good = readable.filter(({ table }) => table !== CHUNK_TABLE);
  await replaceParked(exchange, ground.meta, good, tally);
  await forgetSuspects(
    exchange,
    suspects,
    // Also where meanwhile it became another one, which is looked at with the next pull.
    entries.filter(({ seq }) => !taken.has(seq)),
  );
  return epoch;
}

function isReadable({ ring, meta, newest, latestMs }: Ground, entry: Entry): boolean {
  if (newest !== undefined && entry.keyNumber > newest) return false;
  if (entry.table !== CHUNK_TABLE) {
    const opened = openEntry(ring, entry, meta);
    if (opened.kind !== 'parked' || opened.reason !== 'future') return isBelieved(opened);
    return clockOf(entry.version).ms <= latestMs;
  }
  try {
    openBytes(ring, entry, entry.keyNumber, entry.payload);
    return true;
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
    return error.reason === 'key';
  }
}

/** ?2: place, table, id and register of each, and where its payload lies in ?3. */
const REMOVE = `delete from hub_entries where ${IS_GROUND} and seq in (
  select e.seq from json_each(?2) r join hub_entries e on e.seq = r.value ->> 0
  where e.table_name = r.value ->> 1 and e.id = r.value ->> 2 and e.register = r.value ->> 3
    and e.payload = substr(?3, (r.value ->> 4) + 1, r.value ->> 5)) returning seq`;

/** Only with something that was taken off: of two devices that do it at once one raises the epoch. */
const RAISE = `update hub_meta set epoch = ${epochOf('hub_meta')} + 1, epoch_token = lower(hex(randomblob(16)))
  where changes() > 0 returning epoch, epoch_token`;

/** One transaction: takes off exactly the entries that were seen, where the hub is the one that was read. */
function removal({ device, meta }: Ground, entries: readonly Entry[]): HubStatement[] {
  const known = groundOf(device, meta);
  let end = 0;
  const list = entries.map(({ seq, table, id, register, payload }) => {
    const start = end;
    end += payload.length;
    return [seq, table, id, register, start, payload.length];
  });
  const payloads = Buffer.concat(entries.map(({ payload }) => payload));
  return [
    { sql: `select 1 where ${IS_GROUND}`, params: [known] },
    { sql: REMOVE, params: [known, JSON.stringify(list), payloads] },
    { sql: RAISE, params: [] },
  ];
}

/** They are on the hub no more. What stands here of them is kept, and holds up nothing. */
async function forgetSuspects(
  { database, now, memory }: Exchange,
  suspects: readonly Suspect[],
  left: readonly Entry[],
): Promise<void> {
  const lying = new Set(left.map(textOf));
  const gone = suspects.filter((one) => !lying.has(textOf(one))).map(({ at }) => at ?? 0);
  for (const one of suspects) memory.spoiltPieces.delete(textOf(one));
  await database.write({ now }, (transaction) => {
    markRemoved(transaction, gone);
  });
}
