import { chmodSync } from 'node:fs';
import { deleteBlob, unreferencedBlobs } from '../db/bodies.ts';
import type { Database } from '../db/database.ts';
import { ownFolder } from '../db/file-facts.ts';
import type { Stamper } from '../db/transaction.ts';
import { indexSome } from '../areas/search-texts.ts';

/** Records of one transaction. */
const BATCH = 500;

/** How each kind of searchable record is noted: kind, id, owner, time. */
const SEARCHABLE = [
  `select 'session', id, id, updated_at from sessions where purged_at is null`,
  `select 'message', id, session_id, coalesce(created_at, 0) from session_messages where body is not 'null'`,
  `select 'task', id, id, updated_at from tasks where purged_at is null`,
  `select 'item', i.id, coalesce(t.thread_id, i.turn_id), coalesce(i.ended_at, i.started_at, 0)
   from runtime_items i left join runtime_turns t on t.id = i.turn_id
   where i.body is not 'null' and i.status in ('completed', 'failed', 'interrupted', 'canceled')`,
];

export interface RepairProgress {
  readonly indexed: number;
}

/**
 * Rebuilds what is derived: the search index from the records, file modes, and drops blobs that
 * nothing refers to. Touches no record.
 */
export async function repairStore(
  database: Database,
  stamper: Stamper,
  onProgress?: (progress: RepairProgress) => void,
): Promise<void> {
  const folder = ownFolder(database.path);
  if (folder !== undefined) chmodSync(folder, 0o700);
  chmodSync(database.path, 0o600);
  await database.write(stamper, (transaction) => {
    transaction.run(`insert into search_index (search_index) values ('delete-all')`);
    transaction.run('delete from search_docs');
    for (const select of SEARCHABLE) {
      transaction.run(
        `insert into search_docs (kind, ref_id, owner_id, at, indexed)
         select a.*, 0 from (${select}) a`,
      );
    }
  });
  await indexAll(database, stamper, onProgress);
  await sweepBlobs(database, stamper);
}

/** Works off every note of the search index, in short transactions. */
export async function indexAll(
  database: Database,
  stamper: Stamper,
  onProgress?: (progress: RepairProgress) => void,
): Promise<number> {
  let indexed = 0;
  for (;;) {
    const count = await database.write(stamper, (transaction) => indexSome(transaction, BATCH));
    if (count === 0) return indexed;
    indexed += count;
    onProgress?.({ indexed });
  }
}

/** Drops blobs that nothing refers to; returns how many. */
export async function sweepBlobs(database: Database, stamper: Stamper): Promise<number> {
  const unused = await database.read(unreferencedBlobs);
  for (let start = 0; start < unused.length; start += BATCH) {
    await database.write(stamper, (transaction) => {
      // Asked again: a write in between may have begun to use one.
      const still = new Set(unreferencedBlobs(transaction));
      for (const hash of unused.slice(start, start + BATCH)) {
        if (still.has(hash)) deleteBlob(transaction, hash);
      }
    });
  }
  await database.write(stamper, (transaction) => {
    transaction.run('delete from blob_chunks where hash not in (select hash from blobs)');
  });
  return unused.length;
}
