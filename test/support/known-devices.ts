import type { Database } from '../../src/db/database.ts';

/** Other devices of the group, as a store knows them once an exchange has told of them. */
export function knownDevices(...ids: string[]): string {
  const at = '2026-08-18T09:00:00.000Z';
  const devices = ids.map((id) => ({
    ...{ id, name: id, platform: 'test', seenAt: at },
    revokedAt: id.startsWith('revoked') ? at : null,
  }));
  return `insert into sync_status (only, lease_until, devices) values (1, 0, '${JSON.stringify(devices)}')
    on conflict do update set devices = excluded.devices`;
}

export async function tellOf(database: Database, ...ids: string[]): Promise<void> {
  await database.write({ now: Date.now }, (transaction) => {
    transaction.run(knownDevices(...ids));
  });
}
