import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { finishBlob, hasBlob, storeChunk, CHUNK_BYTES } from '../../db/bodies.ts';
import type { Database } from '../../db/database.ts';
import { importRow, type Outcome } from '../../db/import-row.ts';
import type { Reader } from '../../db/reader.ts';
import type { Stamper, Transaction } from '../../db/transaction.ts';
import { artifacts } from '../../model/registers.ts';
import type { ArtifactEntry } from '../../legacy/home-entry.ts';

/**
 * Brings in a file of a session or a task, piece by piece: it may be larger than memory. A file of
 * something that was purged stays out.
 *
 * @returns undefined when the file changed while it was read; the next import takes it
 */
export async function importArtifact(
  database: Database,
  stamper: Stamper,
  artifact: ArtifactEntry,
): Promise<Outcome | undefined> {
  const { sha256, file, size } = artifact;
  if (await database.read((reader) => isPurged(reader, artifact))) return 'unchanged';
  const known = await database.read((reader) => hasBlob(reader, sha256));
  let chunks = 0;
  if (!known) {
    const digest = createHash('sha256');
    for await (const data of createReadStream(file, { highWaterMark: CHUNK_BYTES })) {
      const bytes = data as Buffer;
      digest.update(bytes);
      const position = chunks++;
      await database.write(stamper, (transaction) => {
        storeChunk(transaction, sha256, position, bytes);
      });
    }
    if (digest.digest('hex') !== sha256) return undefined;
  }
  return database.write(stamper, (transaction) => {
    // Purged while the file was read: its pieces are dropped with the next unused ones.
    if (isPurged(transaction, artifact)) return 'unchanged';
    if (!known && !finish(transaction, sha256, size, chunks)) return undefined;
    const row = {
      id: `${artifact.owner}/${artifact.ownerId}/${artifact.path}`,
      owner_kind: artifact.owner,
      owner_id: artifact.ownerId,
      path: artifact.path,
      size,
      modified_at: Math.round(artifact.mtimeMs),
      deleted_at: null,
      body_hash: sha256,
    };
    return importRow(transaction, artifacts, row, row.modified_at, false);
  });
}

function isPurged(reader: Reader, { owner, ownerId }: ArtifactEntry): boolean {
  const table = owner === 'session' ? 'sessions' : 'tasks';
  const sql = `select count(*) from ${table} where id = ? and purged_at is not null`;
  return reader.number(sql, [ownerId]) > 0;
}

/** False when a sweep of unused chunks came in between. */
function finish(transaction: Transaction, hash: string, size: number, chunks: number): boolean {
  const stored = transaction.number('select count(*) from blob_chunks where hash = ?', [hash]);
  if (stored !== chunks) return false;
  finishBlob(transaction, hash, size);
  return true;
}
