import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { HubRefusedError } from '../errors.ts';
import type { Ask, Mark } from './ask.ts';
import type { Hub, HubStatement } from './hub/hub.ts';
import { isEmpty, PROTOCOL } from './hub-meta.ts';

/** Beside src in the repository, beside dist in the package. */
const SCHEMA = fileURLToPath(new URL('../../migrations/hub/0001_create_hub.sql', import.meta.url));

function schemaStatements(): HubStatement[] {
  return readFileSync(SCHEMA, 'utf8')
    .replaceAll('\r\n', '\n')
    .split(/;\n/)
    .filter((sql) => sql.trim() !== '')
    .map((sql) => ({ sql, params: [] }));
}

/**
 * Makes the tables of an empty hub, under the store id that this device knows or mints. Of two
 * devices that do it at once one does it, the other finds it done.
 */
export async function foundHub(
  hub: Hub,
  storeId: string,
  epoch: Mark,
  keyCheck: string,
): Promise<void> {
  const meta = {
    sql: `insert into hub_meta (only, store_id, epoch, epoch_token, protocol, head, floor_ms, key_check)
      values (1, ?1, ?2, ?3, ${PROTOCOL}, 0, 0, ?4)`,
    params: [storeId, epoch.number, epoch.token, keyCheck],
  };
  const commit = {
    sql: 'insert into hub_commits (head, token) values (0, lower(hex(randomblob(16))))',
    params: [],
  };
  try {
    await hub.run([...schemaStatements(), meta, commit], 'write');
  } catch (error) {
    if (!(error instanceof HubRefusedError) || (await isEmpty(hub))) throw error;
  }
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
    set epoch = max(epoch, ?4) + 1, epoch_token = lower(hex(randomblob(16)))
    where store_id = ?1 and epoch = ?2 and epoch_token = ?3
    and (?5 is null or not exists (select 1 from hub_commits where head = ?5 and token = ?6))`;
  const params = [
    ask.storeId,
    seen.number,
    seen.token,
    ask.epoch.number,
    lost?.number ?? null,
    lost?.token ?? null,
  ];
  // A head that no push made (somebody wrote the rows by hand) would be missed again and again.
  const commit = `insert into hub_commits (head, token)
    select head, lower(hex(randomblob(16))) from hub_meta
    where head not in (select head from hub_commits)`;
  await hub.run(
    [
      { sql, params },
      { sql: commit, params: [] },
    ],
    'write',
  );
}
