import type { Hub, HubStatement } from './hub/hub.ts';
import { HUB_NOW } from './hub-meta.ts';
import type { DeviceInfo } from './push-statements.ts';

/** A device as the hub knows it. Times are unix milliseconds of the hub's clock. */
export interface KnownDevice {
  readonly id: string;
  readonly name: string;
  readonly platform: string;
  readonly seenAt: number;
  readonly revokedAt: number | null;
}

/**
 * The devices of the group, the one that was seen last first. Those that were forgotten have no
 * platform: what the hub knows of their last push is needed to recognise copies of their stores.
 */
export async function readDevices(hub: Hub): Promise<KnownDevice[]> {
  const sql =
    'select id, name, platform, seen_at, revoked_at from hub_devices order by seen_at desc, id';
  const [rows = []] = await hub.run([{ sql, params: [] }], 'read');
  return rows.map(([id, name, platform, seenAt, revokedAt]) => ({
    id: String(id),
    name: String(name),
    platform: String(platform),
    seenAt: Number(seenAt),
    revokedAt: revokedAt === null || revokedAt === undefined ? null : Number(revokedAt),
  }));
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

/** Gives a device another name; it takes it over when it reads the list of devices next. */
export async function nameAnew(hub: Hub, id: string, name: string): Promise<void> {
  const sql = 'update hub_devices set name = ?2 where id = ?1';
  await hub.run([{ sql, params: [id, name] }], 'write');
}

/**
 * Takes a device off the list until it comes again and tells its platform. Its row stays: without the
 * record of its last push a copy of its store could pass for it, one that was revoked would not be any
 * more, and a name that another device gave, of which it may not have heard, would be lost.
 */
export async function hideDevice(hub: Hub, id: string): Promise<void> {
  const sql = `update hub_devices set platform = '' where id = ?1`;
  await hub.run([{ sql, params: [id] }], 'write');
}

/** Takes a device out of the group; it is refused from now on. */
export async function markRevoked(hub: Hub, id: string): Promise<void> {
  const sql = `update hub_devices set revoked_at = coalesce(revoked_at, ${HUB_NOW}) where id = ?1`;
  await hub.run([{ sql, params: [id] }], 'write');
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
