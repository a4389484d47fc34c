import { StoreError } from '../../errors.ts';
import type { Access } from '../connect.ts';
import { readDevices } from '../devices.ts';
import type { Exchange } from '../exchange.ts';
import type { HubMeta } from '../hub-meta.ts';

/** Notes for every process of the store what an exchange brought. */
export async function recordSuccess(
  { database, now }: Access,
  exchange: Exchange,
  meta: HubMeta | null,
): Promise<void> {
  const devices = (await readDevices(exchange.hub)).map((device) => ({
    id: device.id,
    name: device.name,
    platform: device.platform,
    seenAt: new Date(device.seenAt).toISOString(),
    revokedAt: device.revokedAt === null ? null : new Date(device.revokedAt).toISOString(),
  }));
  await database.write({ now }, (transaction) => {
    transaction.run(
      `insert into sync_status (only, lease_until, devices) values (1, 0, '[]') on conflict do nothing`,
    );
    transaction.run(
      `update sync_status set hub_head = coalesce(?, hub_head), clock_offset_ms = coalesce(?, clock_offset_ms),
         synced_at = ?, error = null, devices = ?`,
      [
        meta?.head.number ?? null,
        meta ? meta.nowMs - now() : null,
        now(),
        JSON.stringify(devices),
      ],
    );
  });
}

/** Notes why an exchange failed, without a word of content. */
export async function recordFailure({ database, now }: Access, error: unknown): Promise<void> {
  const known = error instanceof StoreError;
  const failure = {
    code: known ? error.code : 'BUG',
    message: known ? error.message : 'an unexpected error; please report it',
    hint: known ? error.hint : '',
    retryable: known && error.retryable,
    at: new Date(now()).toISOString(),
  };
  await database.write({ now }, (transaction) => {
    transaction.run(
      `insert into sync_status (only, lease_until, devices) values (1, 0, '[]') on conflict do nothing`,
    );
    transaction.run('update sync_status set error = ?', [JSON.stringify(failure)]);
  });
}
