import type { Ask } from './ask.ts';
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

/** The devices of the group, the one that was seen last first. */
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

/** Tells the hub that a device is there, under which name. */
export function greetStatement(ask: Pick<Ask, 'device'>, info: DeviceInfo): HubStatement {
  return {
    sql: `insert into hub_devices (id, name, platform, seen_at) values (?1, ?2, ?3, ${HUB_NOW})
      on conflict (id) do update set name = excluded.name, platform = excluded.platform,
        seen_at = excluded.seen_at`,
    params: [ask.device, info.name, info.platform],
  };
}

/** Takes a device out of the group; it is refused from now on. */
export async function revokeDevice(hub: Hub, id: string): Promise<void> {
  const sql = `update hub_devices set revoked_at = coalesce(revoked_at, ${HUB_NOW}) where id = ?1`;
  await hub.run([{ sql, params: [id] }], 'write');
}
