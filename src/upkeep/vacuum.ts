import { dirname } from 'node:path';
import type { Connection } from '../db/connection.ts';
import type { Database } from '../db/database.ts';
import { fileSize } from '../db/file-facts.ts';
import type { Stamper } from '../db/transaction.ts';
import { sweepBlobs } from './repair.ts';

export interface VacuumResult {
  bytesBefore: number;
  bytesAfter: number;
}

/**
 * Gives unused space back to the disk, and waits for writers, as they do for it: for 30 seconds. Needs twice as much free space as the
 * store takes, for a copy and for the log; the copy of an encrypted store is held in memory.
 */
export async function vacuum(database: Database, stamper: Stamper): Promise<VacuumResult> {
  const size = () => fileSize(database.path) + fileSize(`${database.path}-wal`);
  const bytesBefore = size();
  await sweepBlobs(database, stamper);
  await database.exclusive((connection) => {
    connection.exec(`insert into search_index (search_index) values ('optimize')`);
    copyVacuum(connection, database);
    connection.row('pragma wal_checkpoint(truncate)');
  });
  return { bytesBefore, bytesAfter: size() };
}

/**
 * SQLite copies the store to a temporary database first. Temporary is in memory here: ten gigabytes of
 * it would end the process. On the disk that copy is plain, so an encrypted store has to bear it.
 */
function copyVacuum(connection: Connection, { path, encrypted }: Database): void {
  if (encrypted) {
    connection.exec('vacuum');
    return;
  }
  const folder = dirname(path).replaceAll("'", "''");
  connection.exec(`pragma temp_store_directory = '${folder}'; pragma temp_store = file`);
  try {
    connection.exec('vacuum');
  } finally {
    connection.exec(`pragma temp_store = memory; pragma temp_store_directory = ''`);
  }
}
