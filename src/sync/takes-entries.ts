import { HubRefusedError } from '../errors.ts';
import type { Hub } from './hub/hub.ts';

const STATE = `insert into hub_commits (head, token)
  select head + 1, lower(hex(randomblob(16))) from hub_meta`;
const ENTRY = `insert into hub_entries
    (seq, table_name, id, register, version, key_number, schema, payload)
  select head + 1, 'sessions', lower(hex(randomblob(16))), 'title', '', 0, 1, x'00' from hub_meta`;
const NO_ENTRY = 'delete from hub_entries where seq > (select head from hub_meta)';
const NO_STATE = 'delete from hub_commits where head > (select head from hub_meta)';

/**
 * Whether the hub takes an entry of which nothing can be wrong, which is taken back in the same
 * transaction. Where it does not, what it refused else was refused for a reason of the hub's own.
 *
 * To be asked only of a hub that has nothing above its head.
 */
export async function takesEntries(hub: Hub): Promise<boolean> {
  const statements = [STATE, ENTRY, NO_ENTRY, NO_STATE].map((sql) => ({ sql, params: [] }));
  try {
    await hub.run(statements, 'write');
    return true;
  } catch (error) {
    if (error instanceof HubRefusedError) return false;
    throw error;
  }
}
