import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { HubLostError } from '../errors.ts';
import type { Ask, Mark } from './ask.ts';
import type { Hub, HubStatement } from './hub/hub.ts';
import { epochTokenOf, HUB_NOW, IS_TOKEN, PROTOCOL } from './hub-meta.ts';
import { epochOf } from './places.ts';
import type { DeviceInfo } from './push-statements.ts';

/** Beside src in the repository, beside dist in the package. */
const SCHEMA = fileURLToPath(new URL('../../migrations/hub/0001_create_hub.sql', import.meta.url));

/** Some tables may be there: somebody else founds the hub at this moment, or it has lost the others. */
export function schemaStatements(): HubStatement[] {
  return readFileSync(SCHEMA, 'utf8')
    .replaceAll('\r\n', '\n')
    .replaceAll(/^create table /gm, 'create table if not exists ')
    .split(/;\n/)
    .filter((sql) => sql.trim() !== '')
    .map((sql) => ({ sql, params: [] }));
}

const EPOCH = epochOf('hub_meta');
const LOST = 'not exists (select 1 from hub_meta)';
const REST = ['hub_entries', 'hub_commits', 'hub_devices'];
const NOTHING_ELSE = REST.map((table) => `not exists (select 1 from ${table})`).join(' and ');
const last = (column: string, table: string) =>
  `coalesce((select max(${column}) from ${table} where ${column} < ${Number.MAX_SAFE_INTEGER}), 0)`;

/** ?5, ?6: a state by which the device knows what is still there of a hub that lost its meta row. */
const META = `insert into hub_meta
    (only, store_id, epoch, epoch_token, protocol, head, floor_ms, key_check)
  select 1, ?1, ?2, ?3, ${PROTOCOL},
    max(${last('seq', 'hub_entries')}, ${last('head', 'hub_commits')}), 0, ?4
  where ${LOST} and ((${NOTHING_ELSE})
    or exists (select 1 from hub_commits where head = ?5 and token = ?6))`;

/** A head that no push made (somebody wrote the rows by hand) would be missed again and again. */
export const HEAD_TOKEN = `insert or replace into hub_commits (head, token)
  select head, lower(hex(randomblob(16))) from hub_meta
  where head not in (select head from hub_commits where ${IS_TOKEN})`;

/** What an empty hub becomes. */
export interface Founding {
  /** The one that this device knows, or mints. */
  readonly storeId: string;
  /** Its token tells this founding from every other. */
  readonly epoch: Mark;
  readonly keyCheck: string;
  /** Stands on the hub from the first moment on, so that no other device takes the founding back. */
  readonly founder?: DeviceInfo & { readonly id: string };
}

const FOUNDER = `insert or ignore into hub_devices (id, name, platform, seen_at)
  select ?1, ?2, ?3, ${HUB_NOW} where exists (select 1 from hub_meta where epoch_token = ?4)`;

/**
 * Makes the tables of an empty hub. Of several who do it at once one does it.
 *
 * Where a hub lost its meta row and nothing else, it gets it back in a new epoch, and all that is on it
 * stays: it may be all that there is of a device that is gone. Only who remembers a state of that very
 * hub can tell whose it is.
 *
 * @param rest - the state that is remembered, or `clear`: what is still there goes
 * @returns whether it was this call; else the hub is what somebody else has made of it
 * @throws `HubLostError` what is still there is not known to this device
 */
export async function foundHub(
  hub: Hub,
  { storeId, epoch, keyCheck, founder }: Founding,
  rest: Mark | 'clear' | null = null,
): Promise<boolean> {
  const pair = rest === 'clear' ? null : rest;
  const clearing =
    rest === 'clear' ? REST.map((table) => `delete from ${table} where ${LOST}`) : [];
  const params = [storeId, epoch.number, epoch.token, keyCheck];
  const statements = [
    ...schemaStatements(),
    ...clearing.map((sql) => ({ sql, params: [] })),
    { sql: META, params: [...params, pair?.number ?? null, pair?.token ?? null] },
    { sql: HEAD_TOKEN, params: [] },
  ];
  if (founder) {
    const { id, name, platform } = founder;
    statements.push({ sql: FOUNDER, params: [id, name, platform, epoch.token] });
  }
  statements.push({ sql: 'select epoch_token from hub_meta', params: [] });
  const answers = await hub.run(statements, 'write');
  const [meta] = answers.at(-1) ?? [];
  if (!meta) {
    throw new HubLostError(
      'the hub has lost the row that says whose it is (hub_meta), and this device does not know the rest of it',
    );
  }
  return meta[0] === epoch.token;
}

/**
 * Takes a founding back whose answer did not come: the lock of its keys is on the hub, and the key was
 * kept nowhere. Only while nothing was sent there and no other device was told of.
 *
 * @returns whether the hub is empty now
 */
export async function undoFounding(hub: Hub, device: string): Promise<boolean> {
  const unused = `head = 0 and not exists (select 1 from hub_entries)
    and not exists (select 1 from hub_devices where id <> ?1)`;
  const [rows] = await hub.run(
    [
      { sql: `delete from hub_meta where ${unused} returning only`, params: [device] },
      { sql: `delete from hub_devices where ${LOST}`, params: [] },
      { sql: `delete from hub_commits where ${LOST}`, params: [] },
    ],
    'write',
  );
  return (rows?.length ?? 0) > 0;
}

/**
 * Raises the epoch, so that every device offers all that it has: the hub is not what it was. One
 * transaction that checks the reason again, because the answer that told of it may be old.
 *
 * @param seen - the epoch that the reason was seen in
 * @param lost - the state that the hub does not know any more; null when the epoch is the reason
 */
export async function raiseEpoch(hub: Hub, ask: Ask, seen: Mark, lost: Mark | null): Promise<void> {
  const sql = `update hub_meta
    set epoch = max(${EPOCH}, ?4) + 1, epoch_token = lower(hex(randomblob(16)))
    where store_id = ?1 and ${EPOCH} = ?2 and ${epochTokenOf('hub_meta')} = ?3
    and (?5 is null or not exists (select 1 from hub_commits where head = ?5 and token = ?6))`;
  const params = [
    ask.storeId,
    seen.number,
    seen.token,
    ask.epoch.number,
    lost?.number ?? null,
    lost?.token ?? null,
  ];
  await hub.run(
    [
      { sql, params },
      { sql: HEAD_TOKEN, params: [] },
    ],
    'write',
  );
}
