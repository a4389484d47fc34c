import type { Database } from '../db/database.ts';
import { fileSize } from '../db/file-facts.ts';
import type { Stamper } from '../db/transaction.ts';
import { sweepBlobs } from './repair.ts';

export interface VacuumResult {
  bytesBefore: number;
  bytesAfter: number;
}

/** Gives unused space back to the disk. Needs as much free space as the store takes, and waits for writers. */
export async function vacuum(database: Database, stamper: Stamper): Promise<VacuumResult> {
  const size = () => fileSize(database.path) + fileSize(`${database.path}-wal`);
  const bytesBefore = size();
  await sweepBlobs(database, stamper);
  await database.exclusive((connection) => {
    connection.exec(`insert into search_index (search_index) values ('optimize')`);
    connection.exec('vacuum');
    connection.row('pragma wal_checkpoint(truncate)');
  });
  return { bytesBefore, bytesAfter: size() };
}
