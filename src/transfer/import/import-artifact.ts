import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { finishBlob, hasBlob, storeChunk, CHUNK_BYTES } from '../../db/bodies.ts';
import type { Database } from '../../db/database.ts';
import { importRow, type Outcome } from '../../db/import-row.ts';
import type { Reader } from '../../db/reader.ts';
import type { Stamper, Transaction } from '../../db/transaction.ts';
import { artifacts } from '../../model/registers.ts';
import type { ArtifactEntry } from '../../legacy/home-entry.ts';
import { NO_TIME } from './apply-kept.ts';
import type { HomeContext } from './record.ts';

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
  context: HomeContext,
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
    const id = `${artifact.owner}/${artifact.ownerId}/${artifact.path}`;
    // A copy has another time, and is the same file all the same.
    if (holds(transaction, id, sha256)) return 'unchanged';
    const row = {
      id,
      owner_kind: artifact.owner,
      owner_id: artifact.ownerId,
      path: artifact.path,
      size,
      modified_at: NO_TIME,
      deleted_at: null,
      body_hash: sha256,
    };
    const successor = !ownerCameEarlier(transaction, artifact, context);
    return importRow(transaction, artifacts, row, { ms: undefined, successor });
  });
}

function holds(reader: Reader, id: string, hash: string): boolean {
  const sql =
    'select count(*) from artifacts where id = ? and body_hash = ? and deleted_at is null';
  return reader.number(sql, [id, hash]) > 0;
}

/** What an earlier home has of a session or a task holds. */
function ownerCameEarlier(reader: Reader, artifact: ArtifactEntry, context: HomeContext): boolean {
  const { owner, ownerId } = artifact;
  const path = owner === 'session' ? `sessions/${ownerId}.json` : `tasks/tasks/${ownerId}.json`;
  return context.cameEarlier(reader, path);
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
