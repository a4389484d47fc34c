import { chmodSync, existsSync } from 'node:fs';
import { unreferencedBlobs } from '../db/blob-references.ts';
import { deleteBlob } from '../db/bodies.ts';
import type { Database } from '../db/database.ts';
import type { Reader } from '../db/reader.ts';
import { DamagedStoreError } from '../errors.ts';
import { fileFailure } from '../db/file-failure.ts';
import { ownFolder } from '../db/file-facts.ts';
import type { Stamper } from '../db/transaction.ts';
import { indexSome } from '../areas/search-texts.ts';
import { SEARCHED_ITEMS } from '../areas/searched-items.ts';
import { recoverTasks } from '../areas/task-queue.ts';
import { findPlaces, misplacedSessions } from './session-places.ts';

/** Records of one transaction. */
const BATCH = 500;

/** How each kind of searchable record is noted: kind, id, owner, time. */
const SEARCHABLE = [
  `select 'session', id, id, updated_at from sessions where purged_at is null`,
  `select 'message', id, session_id, coalesce(created_at, 0) from session_messages where body is not 'null'`,
  `select 'task', id, id, updated_at from tasks where purged_at is null`,
  SEARCHED_ITEMS,
];

export interface RepairProgress {
  readonly indexed: number;
}

/**
 * As {@link rebuildDerived}; and fails the tasks whose worker stopped.
 *
 * @throws `DamagedStoreError` more than that is damaged; nothing was written
 */
export async function repairStore(
  database: Database,
  stamper: Stamper,
  onProgress?: (progress: RepairProgress) => void,
): Promise<void> {
  await rebuildDerived(database, stamper, onProgress);
  await database.write(stamper, (transaction) => recoverTasks(transaction, false));
}

/**
 * Rebuilds what is derived: the search index, how many messages a session has, file modes; and drops
 * blobs that nothing refers to. Touches nothing that a user wrote.
 *
 * @throws `DamagedStoreError` more than that is damaged; nothing was written
 */
export async function rebuildDerived(
  database: Database,
  stamper: Stamper,
  onProgress?: (progress: RepairProgress) => void,
): Promise<void> {
  await refuseDamaged(database);
  closeToOthers(database.path);
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
  await findPlaces(database, stamper, await database.read(misplacedSessions));
  await sweepBlobs(database, stamper);
}

/**
 * Leaves store and folder to their owner; a folder that holds other things is not the store's.
 *
 * @throws `FileSystemError` the system does not let us
 */
export function closeToOthers(path: string): void {
  try {
    const folder = ownFolder(path);
    if (folder !== undefined) chmodSync(folder, 0o700);
    for (const file of [path, `${path}-wal`, `${path}-shm`]) {
      if (existsSync(file)) chmodSync(file, 0o600);
    }
  } catch (error) {
    throw fileFailure(`the store ${path} cannot be closed to others`, error);
  }
}

/** A write to a damaged file could spread the damage. */
async function refuseDamaged(database: Database): Promise<void> {
  const problems = await database.readFresh(findDamage);
  if (problems.length === 0) return;
  throw new DamagedStoreError(`${database.path} is damaged: ${problems.length} problems`);
}

/** What SQLite finds wrong, the search index aside: that is derived, and is rebuilt. */
export function findDamage(reader: Reader): string[] {
  const lines = reader.rows('pragma integrity_check').map((row) => String(row[0]));
  return lines.filter((line) => line !== 'ok' && !line.includes('main.search_index'));
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
