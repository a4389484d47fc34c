import { HubAccessError, StoreError } from '../../errors.ts';
import type { Access } from '../connect.ts';
import { greetStatement, readDevices } from '../devices.ts';
import type { Exchange } from '../exchange.ts';
import type { HubMeta } from '../hub-meta.ts';
import type { SyncFailure } from '../status.ts';
import { needStatusRow } from './status-row.ts';

/** Notes for every process of the store what an exchange brought, and who the devices are. */
export async function recordSuccess(
  access: Access,
  exchange: Exchange,
  meta: HubMeta | null,
): Promise<void> {
  await recordExchange(access, exchange, meta);
  await recordDevices(access, exchange);
}

/** The list of devices as the hub has it, to be shown while it is away. */
export async function recordDevices({ database, now }: Access, exchange: Exchange): Promise<void> {
  const devices = (await readDevices(exchange.hub)).map((device) => ({
    id: device.id,
    name: device.name,
    platform: device.platform,
    seenAt: new Date(device.seenAt).toISOString(),
    revokedAt: device.revokedAt === null ? null : new Date(device.revokedAt).toISOString(),
  }));
  await database.write({ now }, (transaction) => {
    needStatusRow(transaction);
    transaction.run('update sync_status set devices = ?', [JSON.stringify(devices)]);
  });
}

/** Shows the others that this device is there, also where it has nothing to send. */
export async function greet({ database, hub, info }: Exchange): Promise<void> {
  const device = await database.read((reader) =>
    String(reader.rows('select id from device')[0]?.[0]),
  );
  try {
    await hub.run([greetStatement({ device }, info)], 'write');
  } catch (error) {
    // With a token that may only read it goes without.
    if (!(error instanceof HubAccessError)) throw error;
  }
}

/** How far the hub is, by how much its clock differs, and that all is well. */
export async function recordExchange(
  { database, now }: Access,
  { replica }: Exchange,
  meta: HubMeta | null,
): Promise<void> {
  const offsetMs = meta ? meta.nowMs - now() : null;
  const failure = replica?.failure && describe(replica.failure, now);
  if (failure) failure.message += '; what it was for was read over HTTP';
  await database.write({ now }, (transaction) => {
    needStatusRow(transaction);
    transaction.run(
      `update sync_status set hub_head = coalesce(?, hub_head),
         clock_offset_ms = coalesce(?, clock_offset_ms), synced_at = ?, error = ?`,
      [meta?.head.number ?? null, offsetMs, now(), failure ? JSON.stringify(failure) : null],
    );
  });
}

/** Notes why an exchange failed, without a word of content. */
export async function recordFailure({ database, now }: Access, error: unknown): Promise<void> {
  const failure = describe(error, now);
  await database.write({ now }, (transaction) => {
    needStatusRow(transaction);
    transaction.run('update sync_status set error = ?', [JSON.stringify(failure)]);
  });
}

function describe(error: unknown, now: () => number): SyncFailure {
  const known = error instanceof StoreError;
  return {
    code: known ? error.code : 'BUG',
    message: known ? error.message : 'an unexpected error; please report it',
    hint: known ? error.hint : '',
    retryable: known && error.retryable,
    at: new Date(now()).toISOString(),
  };
}
