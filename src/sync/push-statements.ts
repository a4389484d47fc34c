import type { Ask, Mark } from './ask.ts';
import { NAME_KEPT } from './devices.ts';
import type { HubRow, HubStatement } from './hub/hub.ts';
import { textOf, wholeNumber } from './pull-statements.ts';
import { floorOf, HUB_NOW, PROTOCOL, SLACK_MS } from './hub-meta.ts';
import { epochOf, isSound } from './places.ts';

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

/** As it goes over the wire: nothing is in it for who writes it. */
const line = (sql: string) => sql.replaceAll(/\s+/g, ' ');

/** How much of the end of the locked keys tells one lock from another: more than a random tag of it. */
const LOCK_CHARACTERS = 32;

/**
 * The hub takes a push only where everything that it was made from still holds, which is looked at here
 * and nowhere else: what follows asks whether this stands. ?1: what was asked; ?2: how many entries.
 *
 * The token is the hub's own: a push that arrives twice makes two states. Where something lies above the
 * head there is none, which fails all of the push: what follows would take that for its own state.
 */
const COMMIT = line(`insert into hub_commits (head, token)
  select g.head + ?2, iif(${isSound('g')}, lower(hex(randomblob(16))), null)
  from hub_meta g left join hub_devices d on d.id = ?1 ->> 'device'
  where not ${isSound('g')} or (g.protocol <= ${PROTOCOL} and d.revoked_at is null
    and g.store_id = ?1 ->> 'storeId' and substr(g.key_check, -${LOCK_CHARACTERS}) = ?1 ->> 'lock'
    and ${epochOf('g')} = ?1 ->> '$.epoch.number' and g.epoch_token = ?1 ->> '$.epoch.token'
    and (?1 ->> '$.pair.number' is null or exists (
      select 1 from hub_commits
      where head = ?1 ->> '$.pair.number' and token = ?1 ->> '$.pair.token'))
    and (
      (d.push_number is ?1 ->> '$.acked.number' and d.push_token is ?1 ->> '$.acked.token')
      or (d.push_number is ?1 ->> '$.sent.number' and d.push_token is ?1 ->> '$.sent.token')))
  returning head, token, ${HUB_NOW}, (select ${floorOf('hub_meta')} from hub_meta)`);

/** A state beyond the head stands there only from {@link COMMIT} to {@link RAISE}, the first and last of a push. */
const HOLDS = `(select max(head) from hub_commits) > (select head from hub_meta)`;

/** ?1: the latest version that this device knows to be accepted. */
const LIMIT = `(select max(${floorOf('hub_meta')}, ?1, ${HUB_NOW} + ${SLACK_MS}) from hub_meta)`;

/** What comes back unaccepted, with the version that the hub holds instead. ?2: the rows as JSON. */
const RETURNED = line(`select r.key, cast(e.version as blob) from json_each(?2) r
  left join hub_entries e
    on e.table_name = r.value ->> 0 and e.id = r.value ->> 1 and e.register = r.value ->> 2
  where r.value ->> 4 > ${LIMIT} and ${HOLDS}`);

/**
 * ?2: the rows as JSON; ?3: all their payloads, end to end. What is only sealed anew stays in its place:
 * who has read it needs it no more, and for who has not, earlier events would come after later ones.
 */
const UPSERT = line(`insert into hub_entries
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
    or (excluded.version = hub_entries.version and excluded.key_number > hub_entries.key_number)`);

/** Whether the feed tells of the push: of one that changes no entry it does not. */
const CHANGED = 'select changes() > 0';

/** Only where the hub holds the purge: one that came back for its clock takes nothing away. */
const SWEEP = line(`delete from hub_entries where table_name = 'chunks' and ${HOLDS} and id in (
  select r.value ->> 9 from json_each(?1) r
  where r.value ->> 9 is not null and exists (
    select 1 from hub_entries p where p.table_name = r.value ->> 0 and p.id = r.value ->> 1
      and p.register = r.value ->> 2 and p.version >= r.value ->> 3))`);

const DEVICE = line(`insert into hub_devices (id, name, platform, push_number, push_token, seen_at)
  select ?1, ?2, ?3, ?4, ?5, ${HUB_NOW} where ${HOLDS}
  on conflict (id) do update set ${NAME_KEPT}, platform = excluded.platform,
    push_number = excluded.push_number, push_token = excluded.push_token, seen_at = excluded.seen_at`);

/** Last, because the others look at the head. ?2: how many entries; ?3: the clocks in their versions. */
const RAISE = line(`update hub_meta set
    head = head + ?2,
    floor_ms = max(${floorOf('hub_meta')}, coalesce((
      select max(value) from json_each(?3) where value <= ${LIMIT}), 0))
  where ${HOLDS}`);

export interface DeviceInfo {
  readonly name: string;
  readonly platform: string;
}

/** What a push was asked with. */
export interface PushAsk extends Ask {
  readonly sent: Mark;
  /** The lock of the keys that the payloads are sealed with, as it stands on the hub. */
  readonly keyCheck: string;
}

/** What the hub answers to a push that it took. */
export interface Taken {
  /** The state of the hub that the push made. */
  readonly head: Mark;
  /** The hub's clock, unix milliseconds, and the latest version that it knew to be accepted. */
  readonly nowMs: number;
  readonly floorMs: number;
  /** Of what came back unaccepted the place in the list, and the version that the hub holds. */
  readonly returned: ReadonlyMap<number, string | null>;
  /** Some entry on the hub is another one now, or new: its feed tells of this push. */
  readonly changed: boolean;
}

/** @returns the statements of a push, and what reads the answers to them: undefined, it was not taken */
export function pushRequest(
  ask: PushAsk,
  entries: readonly Outgoing[],
  info: DeviceInfo,
): { statements: HubStatement[]; read: (answers: readonly HubRow[][]) => Taken | undefined } {
  const { floorMs, device, sent } = ask;
  const count = entries.length;
  const list = listOf(entries);
  const payloads = Buffer.concat(entries.map((entry) => entry.payload));
  const clocks = [...new Set(entries.map(({ ms }) => ms).filter((ms) => ms !== null))];
  const tested = clocks.length > 0 ? [{ sql: RETURNED, params: [floorMs, list] }] : [];
  const sweeping = entries.some((entry) => entry.sweeps !== undefined);
  const sweep = sweeping ? [{ sql: SWEEP, params: [list] }] : [];
  const statements: HubStatement[] = [
    { sql: COMMIT, params: [conditionsOf(ask), count] },
    ...tested,
    { sql: UPSERT, params: [floorMs, list, payloads] },
    { sql: CHANGED, params: [] },
    ...sweep,
    { sql: DEVICE, params: [device, info.name, info.platform, sent.number, sent.token] },
    { sql: RAISE, params: [floorMs, count, JSON.stringify(clocks)] },
  ];
  return {
    statements,
    read: (answers) => {
      const answerTo = (sql: string) => answers[statements.findIndex((one) => one.sql === sql)];
      const [head, token, nowMs, heldFloorMs] = answerTo(COMMIT)?.[0] ?? [];
      if (head === undefined) return undefined;
      const returned = answerTo(RETURNED) ?? [];
      return {
        head: { number: wholeNumber(head), token: String(token) },
        nowMs: wholeNumber(nowMs),
        floorMs: wholeNumber(heldFloorMs),
        returned: new Map(
          returned.map(([key, held]) => [wholeNumber(key), held == null ? null : textOf(held)]),
        ),
        changed: answerTo(CHANGED)?.[0]?.[0] === 1,
      };
    },
  };
}

function conditionsOf({ device, storeId, epoch, pair, acked, sent, keyCheck }: PushAsk): string {
  const lock = keyCheck.slice(-LOCK_CHARACTERS);
  return JSON.stringify({ device, storeId, epoch, pair, acked, sent, lock });
}

/** The rows as JSON, each with where its payload lies among all of them. */
function listOf(entries: readonly Outgoing[]): string {
  let end = 0;
  const rows = entries.map(({ table, id, register, version, ms, keyNumber, schema, ...rest }) => {
    const offset = end;
    const { length } = rest.payload;
    end += length;
    const place = [offset, length, rest.sweeps ?? null];
    return [table, id, register, version, ms, keyNumber, schema, ...place];
  });
  return JSON.stringify(rows);
}
