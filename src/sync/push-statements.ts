import type { Ask, Mark } from './ask.ts';
import { NAME_KEPT } from './devices.ts';
import type { HubStatement } from './hub/hub.ts';
import { HUB_NOW, PROTOCOL, SLACK_MS } from './hub-meta.ts';

/** An entry on its way to the hub. */
export interface Outgoing {
  readonly table: string;
  readonly id: string;
  readonly register: string;
  /** Empty for an immutable row. */
  readonly version: string;
  /** The clock in the version, unix milliseconds; null where there is none to test. */
  readonly ms: number | null;
  readonly keyNumber: number;
  /** The least schema that understands it. */
  readonly schema: number;
  readonly payload: Uint8Array;
  /** Of a purge: under what the pieces of its large bodies lie, which go with it. */
  readonly sweeps?: string;
}

/** The hub takes a push only where everything that it was made from still holds. ?1: what was asked. */
const HOLDS = `exists (
  select 1 from hub_meta g left join hub_devices d on d.id = ?1 ->> 'device'
  where g.protocol <= ${PROTOCOL} and d.revoked_at is null
    and g.store_id = ?1 ->> 'storeId'
    and g.epoch = ?1 ->> '$.epoch.number' and g.epoch_token = ?1 ->> '$.epoch.token'
    and (?1 ->> '$.pair.number' is null or exists (
      select 1 from hub_commits
      where head = ?1 ->> '$.pair.number' and token = ?1 ->> '$.pair.token'))
    and (
      (d.push_number is ?1 ->> '$.acked.number' and d.push_token is ?1 ->> '$.acked.token')
      or (d.push_number is ?1 ->> '$.sent.number' and d.push_token is ?1 ->> '$.sent.token'))
)`;

const FLOOR = `update hub_meta set floor_ms = max(floor_ms, ?1 ->> 'floorMs') where ${HOLDS}`;

const LIMIT = `(select max(floor_ms, ${HUB_NOW} + ${SLACK_MS}) from hub_meta)`;

/** What comes back unaccepted, with the version that the hub holds instead. */
const RETURNED = `select r.key, e.version from json_each(?2) r
  left join hub_entries e
    on e.table_name = r.value ->> 0 and e.id = r.value ->> 1 and e.register = r.value ->> 2
  where r.value ->> 4 > ${LIMIT} and ${HOLDS}`;

/**
 * ?2: the rows as JSON; ?3: all their payloads, end to end. What is only sealed anew stays in its place:
 * who has read it needs it no more, and for who has not, earlier events would come after later ones.
 */
const UPSERT = `insert into hub_entries
    (seq, table_name, id, register, version, key_number, schema, payload)
  select m.head + r.key + 1, r.value ->> 0, r.value ->> 1, r.value ->> 2, r.value ->> 3,
    r.value ->> 5, r.value ->> 6, substr(?3, (r.value ->> 7) + 1, r.value ->> 8)
  from hub_meta m, json_each(?2) r
  where (r.value ->> 4 is null or r.value ->> 4 <= ${LIMIT}) and ${HOLDS}
  on conflict (table_name, id, register) do update set
    seq = iif(excluded.version > hub_entries.version, excluded.seq, hub_entries.seq),
    version = excluded.version, key_number = excluded.key_number,
    schema = excluded.schema, payload = excluded.payload
  where excluded.version > hub_entries.version
    or (excluded.version = hub_entries.version and excluded.key_number > hub_entries.key_number)`;

/** Only where the hub holds the purge: one that came back for its clock takes nothing away. */
const SWEEP = `delete from hub_entries where table_name = 'chunks' and ${HOLDS} and id in (
  select r.value ->> 9 from json_each(?2) r
  where r.value ->> 9 is not null and exists (
    select 1 from hub_entries p where p.table_name = r.value ->> 0 and p.id = r.value ->> 1
      and p.register = r.value ->> 2 and p.version >= r.value ->> 3))`;

/** The token is the hub's own: a push that arrives twice makes two states. */
const COMMIT = `insert into hub_commits (head, token)
  select head + json_array_length(?2), lower(hex(randomblob(16))) from hub_meta where ${HOLDS}`;

const RAISE = `update hub_meta set
    head = head + json_array_length(?2),
    floor_ms = max(floor_ms, coalesce((
      select max(r.value ->> 4) from json_each(?2) r where r.value ->> 4 <= ${LIMIT}), 0))
  where ${HOLDS}`;

/** Last, because the guard reads it. */
const DEVICE = `insert into hub_devices (id, name, platform, push_number, push_token, seen_at)
  select ?1 ->> 'device', ?2 ->> 'name', ?2 ->> 'platform', ?1 ->> '$.sent.number',
    ?1 ->> '$.sent.token', ${HUB_NOW}
  where ${HOLDS}
  on conflict (id) do update set ${NAME_KEPT}, platform = excluded.platform,
    push_number = excluded.push_number, push_token = excluded.push_token, seen_at = excluded.seen_at`;

const REACHED = `select m.head, c.token from hub_meta m join hub_commits c on c.head = m.head`;

export interface DeviceInfo {
  readonly name: string;
  readonly platform: string;
}

/** The answers to these, after that to the meta row: [holds], …, returned, …, [head, token]. */
export function pushStatements(
  ask: Ask & { readonly sent: Mark },
  entries: readonly Outgoing[],
  info: DeviceInfo,
): HubStatement[] {
  const asked = JSON.stringify(ask);
  let offset = 0;
  const rows = entries.map((entry) => {
    const row = [
      entry.table,
      entry.id,
      entry.register,
      entry.version,
      entry.ms,
      entry.keyNumber,
      entry.schema,
      offset,
      entry.payload.length,
      entry.sweeps ?? null,
    ];
    offset += entry.payload.length;
    return row;
  });
  const list = JSON.stringify(rows);
  const payloads = Buffer.concat(entries.map((entry) => entry.payload));
  return [
    { sql: `select ${HOLDS}`, params: [asked] },
    { sql: FLOOR, params: [asked] },
    { sql: RETURNED, params: [asked, list] },
    { sql: UPSERT, params: [asked, list, payloads] },
    { sql: SWEEP, params: [asked, list] },
    { sql: COMMIT, params: [asked, list] },
    { sql: RAISE, params: [asked, list] },
    { sql: DEVICE, params: [asked, JSON.stringify(info)] },
    { sql: REACHED, params: [] },
  ];
}

export interface EntryKey {
  readonly table: string;
  readonly id: string;
  readonly register: string;
  readonly version: string;
  readonly keyNumber: number;
}

const LACKING = `select r.key from json_each(?1) r
  left join hub_entries e
    on e.table_name = r.value ->> 0 and e.id = r.value ->> 1 and e.register = r.value ->> 2
  where e.seq is null or r.value ->> 3 > e.version
    or (r.value ->> 3 = e.version and r.value ->> 4 > e.key_number)`;

/** Which of these the hub does not hold, by their place in the list. */
export function lackingStatement(keys: readonly EntryKey[]): HubStatement {
  const list = keys.map((key) => [key.table, key.id, key.register, key.version, key.keyNumber]);
  return { sql: LACKING, params: [JSON.stringify(list)] };
}
