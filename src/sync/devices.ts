import type { Hub, HubStatement, HubValue } from './hub/hub.ts';
import { HUB_NOW } from './hub-meta.ts';
import { textOf } from './pull-statements.ts';
import type { DeviceInfo } from './push-statements.ts';

/** A device as the hub knows it. Times are unix milliseconds of the hub's clock. */
export interface KnownDevice {
  readonly id: string;
  readonly name: string;
  readonly platform: string;
  readonly seenAt: number;
  readonly revokedAt: number | null;
}

/** A device with what it is found by on the hub, where its id may be anything: the bytes of that. */
export interface HubDevice extends KnownDevice {
  readonly key: Uint8Array;
}

/** More than any group has; whoever adds rows by the thousand hides none that was seen lately. */
const DEVICES_MAX = 1000;
const CHARACTERS_MAX = 100;
/** The latest time that a date can hold. */
const TIME_MAX = 8_640_000_000_000_000;

/** Whoever has a token can write anything there: no row may hide the others, or come here as it is. */
const bytesOf = (column: string) =>
  `coalesce(substr(cast(${column} as blob), 1, ${4 * CHARACTERS_MAX}), x'')`;
const timeOf = (column: string) =>
  `case when typeof(${column}) = 'integer' and ${column} between 0 and ${TIME_MAX} then ${column} else 0 end`;

const DEVICES = `select ${bytesOf('id')}, ${bytesOf('name')}, ${bytesOf('platform')}, ${timeOf('seen_at')},
    iif(revoked_at is null, null, ${timeOf('revoked_at')})
  from hub_devices order by 4 desc, id limit ${DEVICES_MAX}`;

/**
 * The devices of the group, the one that was seen last first. Those that were forgotten have no
 * platform: what the hub knows of their last push is needed to recognise copies of their stores.
 *
 * Of a row that no device wrote what is no time is 1970, and what cannot be shown is left out.
 */
export async function readDevices(hub: Hub): Promise<HubDevice[]> {
  const [rows = []] = await hub.run([{ sql: DEVICES, params: [] }], 'read');
  return rows.map(([id, name, platform, seenAt, revokedAt]) => ({
    key: id instanceof Uint8Array ? id : new Uint8Array(),
    id:
      textOf(id)
        .slice(0, CHARACTERS_MAX)
        .replaceAll(/[^!-~]/g, '_') || '_',
    name: shownText(textOf(name)),
    platform: shownText(textOf(platform)),
    seenAt: timeIn(seenAt),
    revokedAt: revokedAt === null || revokedAt === undefined ? null : timeIn(revokedAt),
  }));
}

/** Looked at here as well: what lies between may give the answer to another question. */
function timeIn(value: HubValue | undefined): number {
  return typeof value === 'number' && value >= 0 && value <= TIME_MAX ? value : 0;
}

/** Neither control characters nor what turns the direction of the text around it. */
const HIDDEN = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffd]+/gu;

function shownText(text: string): string {
  const plain = Array.from(text.replaceAll(HIDDEN, ' ').trim()).slice(0, CHARACTERS_MAX).join('');
  // Without a platform it would count as forgotten.
  return text === '' ? '' : plain || '?';
}

/** Of devices those that are shown: not the forgotten ones. */
export function shown<T extends { readonly platform: string }>(devices: readonly T[]): T[] {
  return devices.filter(({ platform }) => platform !== '');
}

/** A name that the hub knows stays: it may have been given by another device. Some once had none. */
export const NAME_KEPT = `name = iif(hub_devices.name = '', excluded.name, hub_devices.name)`;

/** Tells the hub that a device is there. */
export function greetStatement(device: string, info: DeviceInfo): HubStatement {
  return {
    sql: `insert into hub_devices (id, name, platform, seen_at) values (?1, ?2, ?3, ${HUB_NOW})
      on conflict (id) do update set ${NAME_KEPT}, platform = excluded.platform,
        seen_at = excluded.seen_at`,
    params: [device, info.name, info.platform],
  };
}

/** The same, and under which name from now on. */
export function nameStatement(device: string, info: DeviceInfo): HubStatement {
  const greeting = greetStatement(device, info);
  return { ...greeting, sql: greeting.sql.replace(NAME_KEPT, 'name = excluded.name') };
}

const THIS = `${bytesOf('id')} = ?1`;

/** Gives a device another name; it takes it over when it reads the list of devices next. */
export async function nameAnew(hub: Hub, { key }: HubDevice, name: string): Promise<void> {
  const sql = `update hub_devices set name = ?2 where ${THIS}`;
  await hub.run([{ sql, params: [key, name] }], 'write');
}

/**
 * Takes a device off the list until it comes again and tells its platform. Its row stays: without the
 * record of its last push a copy of its store could pass for it, one that was revoked would not be any
 * more, and a name that another device gave, of which it may not have heard, would be lost.
 */
export async function hideDevice(hub: Hub, { key }: HubDevice): Promise<void> {
  const sql = `update hub_devices set platform = '' where ${THIS}`;
  await hub.run([{ sql, params: [key] }], 'write');
}

/** Takes a device out of the group; it is refused from now on. */
export async function markRevoked(hub: Hub, { key }: HubDevice): Promise<void> {
  const sql = `update hub_devices set revoked_at = coalesce(revoked_at, ${HUB_NOW}) where ${THIS}`;
  await hub.run([{ sql, params: [key] }], 'write');
}

/** Revokes anew what a hub has forgotten that was wiped or restored. Nothing undoes a revocation. */
export async function revokeAgain(hub: Hub, devices: readonly KnownDevice[]): Promise<void> {
  const statements = devices.map(({ id, name, platform, seenAt, revokedAt }) => ({
    sql: `insert into hub_devices (id, name, platform, seen_at, revoked_at)
      values (?1, ?2, ?3, ?4, ?5)
      on conflict (id) do update set revoked_at = coalesce(revoked_at, excluded.revoked_at)`,
    params: [id, name, platform, seenAt, revokedAt],
  }));
  await hub.run(statements, 'write');
}
