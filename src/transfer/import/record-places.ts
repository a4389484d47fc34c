import { findRepository } from '../../areas/find-repository.ts';
import { deviceOf, recordPlace } from '../../areas/workspaces.ts';
import type { Database } from '../../db/database.ts';
import type { Stamper } from '../../db/transaction.ts';
import { placeOf } from '../../model/workspace.ts';
import { IMPORT_DEVICE } from '../../model/version.ts';

/** Notes where the folders of imported sessions lie here, so that they open on other machines too. */
export async function recordPlaces(database: Database, stamper: Stamper): Promise<void> {
  const paths = await database.read((reader) =>
    reader
      .rows('select distinct workspace from sessions where device = ?', [IMPORT_DEVICE])
      .map((row) => row[0] as string),
  );
  // Found before the transaction: others would wait while folders are read.
  const found = paths.flatMap((path) => {
    const repository = findRepository(path);
    return repository ? [{ path, repository }] : [];
  });
  if (found.length === 0) return;
  await database.write(stamper, (transaction) => {
    const device = deviceOf(transaction);
    for (const { path, repository } of found) {
      recordPlace(transaction, device, path, placeOf(path, repository, device));
    }
  });
}
