import { HEAD_TOKEN, schemaStatements } from './found-hub.ts';
import type { Hub } from './hub/hub.ts';
import { epochOf } from './places.ts';

const IS_INCOMPLETE = `(select count(*) from sqlite_master where type = 'table'
  and name in ('hub_meta', 'hub_entries', 'hub_commits', 'hub_devices')) < 4`;
const IS_OURS = `select only from hub_meta where store_id = ?1 and ${IS_INCOMPLETE}`;

/** First of all, because the others make the tables: everybody is to offer what was in them. */
const RAISE = `update hub_meta
  set epoch = ${epochOf('hub_meta')} + 1, epoch_token = lower(hex(randomblob(16)))
  where store_id = ?1 and ${IS_INCOMPLETE}`;

/**
 * Makes the tables anew that a hub has lost, but for the one that says whose it is.
 *
 * @returns false: it is not the hub of this group, or lacks none
 */
export async function replaceLostTables(hub: Hub, storeId: string): Promise<boolean> {
  const params = [storeId];
  const [ours] = await hub.run([{ sql: IS_OURS, params }], 'read');
  if (ours?.length !== 1) return false;
  await hub.run(
    [{ sql: RAISE, params }, ...schemaStatements(), { sql: HEAD_TOKEN, params: [] }],
    'write',
  );
  return true;
}
